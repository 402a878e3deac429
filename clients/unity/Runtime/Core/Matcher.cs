// Brings frames and announcements together, message by message, on the receiving thread. A frame is handed out once an
// announcement of its session describes its stream with its layout. Where the numbers of frames begin anew, or the
// session is another, the announcement before was of another run: frames are dropped until the next one comes.
using System;
using System.Collections.Generic;
using System.Threading;

namespace ReactionEngine
{
    /// <summary>A wish for one stream, by codec (and bundle where there are several), and where its frames
    /// go.</summary>
    public sealed class Channel
    {
        public readonly string Codec;
        public readonly string Bundle;
        public readonly Mailbox Mailbox = new Mailbox();

        /// <summary>The stream that is chosen now; null while none is announced.</summary>
        internal StreamInfo Chosen;

        private int received;
        private int lost;
        private int late;
        private int held;
        private int unsound;

        public Channel(string codec, string bundle = "")
        {
            Codec = codec;
            Bundle = bundle;
        }

        public int Received => Volatile.Read(ref received);

        /// <summary>Frames that are missing by their numbers.</summary>
        public int Lost => Volatile.Read(ref lost);

        /// <summary>Frames that the engine published after their deadline.</summary>
        public int Late => Volatile.Read(ref late);

        /// <summary>Frames in which the engine repeated the pose before.</summary>
        public int Held => Volatile.Read(ref held);

        /// <summary>Frames with numbers that are not finite; they are not handed out.</summary>
        public int Unsound => Volatile.Read(ref unsound);

        internal void Miss(int frames) => Volatile.Write(ref lost, lost + frames);

        internal void Take(ReadOnlySpan<byte> message, Frame header, Announcement engine, int run)
        {
            Frame frame = Mailbox.Rent();
            Wire.Read(message, frame);
            for (int index = 0; index < frame.Count; index++)
            {
                if (float.IsNaN(frame.Values[index]) || float.IsInfinity(frame.Values[index]))
                {
                    Volatile.Write(ref unsound, unsound + 1);
                    Mailbox.Return(frame);
                    return;
                }
            }
            frame.ReceivedNs = header.ReceivedNs;
            frame.Info = Chosen;
            frame.Engine = engine;
            frame.Run = run;
            Volatile.Write(ref received, received + 1);
            Volatile.Write(ref late, late + ((frame.Flags & FrameFlags.Late) != 0 ? 1 : 0));
            Volatile.Write(ref held, held + ((frame.Flags & FrameFlags.Held) != 0 ? 1 : 0));
            Mailbox.Put(frame);
        }
    }

    /// <summary>Sorts messages into channels. One thread feeds it; properties may be read from any.</summary>
    public sealed class Matcher
    {
        private readonly object gate = new object();
        private readonly Dictionary<ushort, ulong> last = new Dictionary<ushort, ulong>();
        private readonly Frame header = new Frame();
        private volatile Channel[] channels = Array.Empty<Channel>();
        private volatile Announcement engine;
        private volatile string problem = "";
        private byte[] told = Array.Empty<byte>();
        private volatile bool settled;
        private uint session;
        private int run;
        private int mismatched;
        private int undescribed;

        /// <summary>The newest announcement; null before the first.</summary>
        public Announcement Engine => engine;

        /// <summary>Whether <see cref="Engine"/> is of the engine that sends now.</summary>
        public bool IsSettled => settled;

        /// <summary>How often the engine has begun anew.</summary>
        public int Run => Volatile.Read(ref run);

        /// <summary>Frames that contradict their announcement, and announcements that cannot be read.</summary>
        public int Mismatched => Volatile.Read(ref mismatched);

        /// <summary>Frames that no announcement described (yet).</summary>
        public int Undescribed => Volatile.Read(ref undescribed);

        /// <summary>What was wrong with the newest announcement; empty where nothing was.</summary>
        public string Problem => problem;

        /// <summary>Frames of this channel are wanted from now on. Any thread.</summary>
        public void Add(Channel channel)
        {
            lock (gate)
            {
                var more = new Channel[channels.Length + 1];
                channels.CopyTo(more, 0);
                more[channels.Length] = channel;
                channel.Chosen = engine?.Find(channel.Codec, channel.Bundle);
                channels = more;
            }
        }

        /// <summary>One message, an announcement or a frame; anything else is ignored.</summary>
        public void Take(byte[] buffer, int offset, int count, long receivedNs)
        {
            var message = new ReadOnlySpan<byte>(buffer, offset, count);
            if (Wire.IsAnnouncement(message))
            {
                Learn(message.Slice(8));
            }
            else if (Wire.ReadHeader(message, header) == WireFault.None)
            {
                header.ReceivedNs = receivedNs;
                TakeFrame(message);
            }
        }

        /// <summary>An announcement that is known to be of the engine that sends now.</summary>
        public void Settle(Announcement announcement)
        {
            if (engine != null && settled && last.Count > 0 && !engine.LastsAs(announcement))
            {
                BeginAnew();
            }
            lock (gate)
            {
                engine = announcement;
                foreach (Channel channel in channels)
                {
                    channel.Chosen = announcement.Find(channel.Codec, channel.Bundle);
                }
            }
            problem = "";
            settled = true;
        }

        /// <summary>The connection is another one: what was announced counts no more.</summary>
        public void BeginAnew()
        {
            if (last.Count > 0)
            {
                Volatile.Write(ref run, run + 1);
            }
            settled = false;
            last.Clear();
        }

        private void Learn(ReadOnlySpan<byte> json)
        {
            if (engine != null && json.SequenceEqual(told))
            {
                settled = true; // said once a second, and nearly always the same: not parsed again
                return;
            }
            try
            {
                byte[] kept = json.ToArray();
                Settle(Announcement.Read(Json.Parse(kept, 0, kept.Length)));
                told = kept;
            }
            catch (FormatException error)
            {
                problem = error.Message;
                Volatile.Write(ref mismatched, mismatched + 1);
            }
        }

        private void TakeFrame(ReadOnlySpan<byte> message)
        {
            bool isKnown = last.TryGetValue(header.Stream, out ulong before);
            if (last.Count > 0 && header.Session != session || isKnown && header.Seq <= before)
            {
                BeginAnew();
                isKnown = false;
            }
            session = header.Session;
            last[header.Stream] = header.Seq;
            if (!settled || engine.Session != header.Session)
            {
                Volatile.Write(ref undescribed, undescribed + 1);
                return;
            }
            ulong missed = isKnown ? header.Seq - before - 1 : 0;
            foreach (Channel channel in channels)
            {
                StreamInfo info = channel.Chosen;
                if (info == null || info.Number != header.Stream)
                {
                    continue;
                }
                channel.Miss((int)Math.Min(missed, int.MaxValue / 2));
                if (info.Layout != header.Layout || info.Names.Length != header.Count)
                {
                    Volatile.Write(ref mismatched, mismatched + 1);
                    continue;
                }
                channel.Take(message, header, engine, run);
            }
        }
    }
}
