// What the core makes of messages, of an engine and of poses, as lines that the Python tests compare.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Numerics;
using System.Threading;

namespace ReactionEngine.Tests
{
    public static class Printed
    {
        /// <summary>A line of hex in, the frame's fields out.</summary>
        public static int Decode(TextReader lines)
        {
            var frame = new Frame(); // one buffer for all, as a receiver has
            for (string line = lines.ReadLine(); line != null; line = lines.ReadLine())
            {
                WireFault fault = Wire.Read(Bytes(line), frame);
                Console.WriteLine(fault == WireFault.None ? Line(frame) : fault.ToString());
            }
            return 0;
        }

        /// <summary>Frames of the codecs for so many seconds; "gives=audio/partner" sends silence and a tone.</summary>
        public static int Listen(string[] arguments)
        {
            var options = new TransportOptions { Address = arguments[1], Seed = 7 };
            double seconds = double.Parse(arguments[2], System.Globalization.CultureInfo.InvariantCulture);
            string[] codecs = arguments.Skip(3).Where(each => !each.Contains("=")).ToArray();
            options.Gives = arguments.Where(each => each.StartsWith("gives=")).Select(each
                => each.Substring(6)).ToArray();
            options.Token = arguments.Where(each => each.StartsWith("token=")).Select(each
                => each.Substring(6)).FirstOrDefault() ?? "";
            using (var link = new Link(() => Transports.Make(options)))
            {
                Channel[] channels = codecs.Select(codec => link.Open(codec)).ToArray();
                StreamPlayer player = new StreamPlayer(link.Open(codecs[0]));
                link.Start();
                long end = Monotonic.NowNs() + (long)(seconds * 1e9), next = 0;
                Frame frame = null;
                int moments = 0, shown = 0;
                while (Monotonic.NowNs() < end && link.State != LinkState.Refused)
                {
                    next = Speak(link, options, next);
                    foreach (Channel channel in channels)
                    {
                        while (channel.Mailbox.Take(ref frame))
                        {
                            Console.WriteLine($"frame {channel.Codec} {frame.Run} {Line(frame)}");
                        }
                    }
                    moments++;
                    shown += player.Update(Monotonic.NowNs()) ? 1 : 0;
                    Thread.Sleep(5);
                }
                foreach (StreamInfo stream in link.Matcher.Engine?.Streams ?? Array.Empty<StreamInfo>())
                {
                    uint hash = Wire.LayoutHash(stream.Names, stream.Units);
                    Console.WriteLine($"stream {stream.Number} {stream.Codec} {hash}");
                }
                int late = player.Channel.Lost + link.Matcher.Mismatched;
                string state = $"state {link.State} lost {late}";
                Console.WriteLine($"{state} delay {player.DelayMs:0} ms shown {shown} of {moments}");
                Console.WriteLine($"problem {link.Problem}");
            }
            return 0;
        }

        /// <summary>First line: a skeleton as announced. Then a line of places each, and their turns out.</summary>
        public static int Body(TextReader lines)
        {
            string told = lines.ReadLine();
            string[] names = { "a" };
            string engine = Made.Engine(Made.Stream(0, "body", "joints", names)).TrimEnd('}')
                + ",\"skeletons\":{\"it\":" + told + "}}";
            var pose = new BodyPose(Announcement.Read(Json.Parse(engine)).Skeletons["it"]);
            for (string line = lines.ReadLine(); line != null; line = lines.ReadLine())
            {
                pose.ReadJoints(line.Split(' ').Select(Number).ToArray());
                Console.WriteLine(string.Join(" ", pose.Turns.Select(Letters)));
            }
            return 0;
        }

        private static float Number(string text) => float.Parse(text,
            System.Globalization.CultureInfo.InvariantCulture);

        private static string Letters(Quaternion turn) => FormattableString.Invariant(
            $"{turn.X:R} {turn.Y:R} {turn.Z:R} {turn.W:R}");

        private static string Line(Frame frame) => string.Join(" ", new object[]
        {
            frame.Session, frame.Stream, (uint)frame.Flags, frame.StepUs, frame.Seq, frame.CaptureNs, frame.DueNs,
            frame.PublishNs, frame.Layout, string.Join("", frame.Values.Take(frame.Count).Select(Hex)),
        });

        private static string Hex(float value) => BitConverter.SingleToInt32Bits(value).ToString("x8");

        private static byte[] Bytes(string hex)
        {
            var bytes = new byte[hex.Length / 2];
            for (int index = 0; index < bytes.Length; index++)
            {
                bytes[index] = Convert.ToByte(hex.Substring(2 * index, 2), 16);
            }
            return bytes;
        }

        /// <summary>40 ms of a tone whenever they have passed, as a microphone would give them.</summary>
        private static long Speak(Link link, TransportOptions options, long next)
        {
            long now = Monotonic.NowNs();
            if (options.Gives.Length == 0 || now < next || !(link.Transport is WebSocketTransport session))
            {
                return next;
            }
            float[] samples = Enumerable.Range(0, 640).Select(at => 0.2f * (float)Math.Sin(at * 0.1)).ToArray();
            return session.SendSound(options.Gives[0], samples, samples.Length, now) ? Math.Max(next, now - 40_000_000)
                + 40_000_000 : next;
        }
    }
}
