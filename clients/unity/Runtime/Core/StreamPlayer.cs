// The drawing side of one stream: takes what has come, and gives the pose that belongs to this moment.
using System;

namespace ReactionEngine
{
    /// <summary>Plays the frames of a <see cref="Channel"/> by capture time. One thread, that which draws.</summary>
    public sealed class StreamPlayer
    {
        /// <summary>Seconds after the last frame until the pose fades, and how long that takes.</summary>
        private const double LastsS = 2.0;
        private const double FadesS = 1.0;
        private readonly ClockOffset clock = new ClockOffset();
        private readonly AdaptiveDelay delay = new AdaptiveDelay();
        private JitterBuffer buffer;
        private Frame frame;
        private long shownNs = long.MinValue;
        private long receivedNs;
        private long rateSinceNs;
        private int rateFrom;
        private int run;

        public StreamPlayer(Channel channel) => Channel = channel;

        public Channel Channel { get; }

        /// <summary>The pose of now, in the order of <see cref="Info"/>.Names.</summary>
        public float[] Values { get; private set; } = Array.Empty<float>();

        /// <summary>The stream it is of; null before the first frame.</summary>
        public StreamInfo Info { get; private set; }

        public Announcement Engine { get; private set; }

        /// <summary>Counts up when the stream is another one: names and sizes that were kept are wrong then.</summary>
        public int Version { get; private set; }

        public FrameFlags Flags { get; private set; }

        public ulong Seq { get; private set; }

        /// <summary>1 while frames come, 0 when they have not for a while: with it an avatar goes back to
        /// rest.</summary>
        public float Presence { get; private set; }

        /// <summary>Moments at which the newest pose had to be held, as the next had not come.</summary>
        public int Waits { get; private set; }

        /// <summary>Frames a second that came during the last second.</summary>
        public float Rate { get; private set; }

        /// <summary>Whether poses are blended and shown a little late, so that nothing is jerky. Without it the newest
        /// pose is shown as soon as it is there.</summary>
        public bool IsSmooth { get; set; } = true;

        /// <summary>How old the pose is that is shown: from its capture to now, less the shortest way from the engine.
        /// </summary>
        public double DelayMs => IsSmooth ? delay.Ns / 1e6 : AgeMs;

        /// <summary>What capture to arrival took for the newest frame, less the shortest way.</summary>
        public double AgeMs { get; private set; }

        /// <summary>The most that playback may be behind, seconds.</summary>
        public double MostDelayS
        {
            get => delay.MostNs / 1e9;
            set => delay.MostNs = (long)(value * 1e9);
        }

        /// <summary>Takes what has come and sets <see cref="Values"/>; false while there is no pose.</summary>
        public bool Update(long nowNs)
        {
            while (IsSmooth ? Channel.Mailbox.Take(ref frame) : Channel.Mailbox.TakeNewest(ref frame))
            {
                Push();
            }
            if (nowNs - rateSinceNs >= 1_000_000_000)
            {
                int received = Channel.Received;
                Rate = rateSinceNs == 0 ? 0 : (received - rateFrom) * 1e9f / (nowNs - rateSinceNs);
                rateFrom = received;
                rateSinceNs = nowNs;
            }
            if (buffer == null)
            {
                return false;
            }
            delay.Step(nowNs);
            double silent = (nowNs - receivedNs) / 1e9 - LastsS;
            Presence = (float)(1 - Math.Min(Math.Max(silent / FadesS, 0), 1));
            long at = Math.Max(nowNs - clock.Ns - delay.Ns, shownNs); // shown time does not run backwards
            shownNs = at;
            bool isThere = buffer.Sample(IsSmooth ? at : buffer.NewestNs, Values);
            Waits += IsSmooth && buffer.IsHolding && silent < 0 ? 1 : 0;
            return isThere;
        }

        private void Push()
        {
            bool isOther = Info == null || frame.Run != run || frame.Info.Layout != Info.Layout
                || frame.Info.Number != Info.Number || frame.Info.Skeleton != Info.Skeleton;
            long periodNs = (long)(1e9 / frame.Info.Rate);
            if (isOther)
            {
                run = frame.Run;
                clock.Forget();
                delay.Forget();
                buffer = new JitterBuffer(frame.Count, periodNs, JitterBuffer.Of(frame.Info.Codec));
                Values = new float[frame.Count];
                shownNs = long.MinValue;
                Version++;
            }
            Info = frame.Info;
            Engine = frame.Engine;
            Flags = frame.Flags;
            Seq = frame.Seq;
            receivedNs = frame.ReceivedNs;
            if (clock.Add(frame.PublishNs, frame.ReceivedNs))
            {
                shownNs = long.MinValue;
            }
            long age = frame.ReceivedNs - clock.Ns - frame.CaptureNs;
            AgeMs = age / 1e6;
            delay.Add(age, periodNs);
            buffer.Push(frame.CaptureNs, frame.Values);
        }
    }
}
