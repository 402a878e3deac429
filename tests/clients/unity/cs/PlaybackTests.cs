// From messages to the pose of a moment: who is believed, what is dropped, what is blended, and how late it is shown.
using System;
using System.Linq;

namespace ReactionEngine.Tests
{
    public static class PlaybackTests
    {
        private const long Ms = 1_000_000;
        private static readonly string[] Names = { "a", "b" };
        private static readonly string[] Others = { "c", "d", "e" };
        private static readonly uint Layout = Wire.LayoutHash(Names, new[] { "m", "m" });
        private static readonly string Face = Made.Engine(Made.Stream(0, "face", "arkit58", Names));

        [Test]
        public static void FramesWaitForTheirAnnouncement()
        {
            var matcher = new Matcher();
            var channel = new Channel("arkit58");
            matcher.Add(channel);
            Made.Send(matcher, Made.Message(1, new[] { 1f, 2f }, Layout));
            Check.Equal("0 1", $"{channel.Received} {matcher.Undescribed}", "before it");
            Made.Send(matcher, Made.Announced(Face));
            Made.Send(matcher, Made.Message(2, new[] { 3f, 4f }, Layout, flags: 3), 77);
            Frame frame = null;
            Check.That(channel.Mailbox.Take(ref frame), "one is there");
            Check.Equal("2 3 4 77 b",
                $"{frame.Seq} {frame.Values[0]} {frame.Values[1]} {frame.ReceivedNs} {frame.Info.Names[1]}", "it");
            Check.That(ReferenceEquals(matcher.Engine, frame.Engine), "it carries the announcement");
            Check.Equal("1 1", $"{channel.Late} {channel.Held}", "late and held");
        }

        [Test]
        public static void GapsAreCounted()
        {
            var matcher = new Matcher();
            var channel = new Channel("arkit58");
            matcher.Add(channel);
            Made.Send(matcher, Made.Announced(Face));
            foreach (ulong seq in new ulong[] { 10, 11, 15, 16 })
            {
                Made.Send(matcher, Made.Message(seq, new[] { 1f, 2f }, Layout));
            }
            Check.Equal("3 4", $"{channel.Lost} {channel.Received}", "lost and received");
        }

        [Test]
        public static void AnotherSessionWaitsForItsAnnouncement()
        {
            var matcher = new Matcher();
            var channel = new Channel("arkit58");
            matcher.Add(channel);
            Made.Send(matcher, Made.Announced(Face));
            Made.Send(matcher, Made.Message(90, new[] { 1f, 2f }, Layout));
            Made.Send(matcher, Made.Message(1, new[] { 1f, 2f }, Layout)); // began anew: numbers go back
            Check.Equal("1 1 False", $"{channel.Received} {matcher.Run} {matcher.IsSettled}", "numbers that go back");
            uint layout = Wire.LayoutHash(Others, new[] { "m", "m", "m" });
            string other = Made.Engine(Made.Stream(3, "x", "joints", Others), Made.Stream(4, "y", "arkit58", Others));
            Made.Send(matcher, Made.Announced(other));
            Made.Send(matcher, Made.Message(2, new[] { 1f, 2f, 3f }, layout, 4));
            Frame frame = null;
            while (channel.Mailbox.Take(ref frame))
            {
            }
            Check.Equal("1 4 3", $"{frame.Run} {frame.Stream} {frame.Count}", "another layout, by its codec");
            Made.Send(matcher, Made.Message(3, new[] { 1f, 2f, 3f }, layout, 4, 6));
            Check.Equal("2 False", $"{matcher.Run} {matcher.IsSettled}", "another session");
        }

        [Test]
        public static void WhatContradictsItsAnnouncementIsDropped()
        {
            var matcher = new Matcher();
            var channel = new Channel("arkit58");
            matcher.Add(channel);
            Made.Send(matcher, Made.Announced(Face));
            Made.Send(matcher, Made.Message(1, new[] { 1f, 2f }, Layout + 1));
            Made.Send(matcher, Made.Message(2, new[] { 1f }, Layout));
            Made.Send(matcher, Made.Announced("{\"streams\":[{}]}"));
            Check.Equal(3, matcher.Mismatched, "mismatched");
            Check.That(matcher.Problem.Contains("rate is missing"), matcher.Problem);
            Made.Send(matcher, Made.Message(3, new[] { float.NaN, 2f }, Layout));
            Made.Send(matcher, Made.Message(4, new[] { 1f, float.PositiveInfinity }, Layout));
            Check.Equal("2 0", $"{channel.Unsound} {channel.Received}", "numbers that are none");
            Made.Send(matcher, new byte[] { 1, 2, 3 });
            Made.Send(matcher, Made.Message(5, new[] { 1f, 2f }, Layout));
            Check.Equal(1, channel.Received, "the next good one");
        }

        [Test]
        public static void TheClockIsKnownByTheShortestWay()
        {
            var clock = new ClockOffset();
            var random = new Random(1);
            for (int frame = 0; frame < 3000; frame++)
            {
                long published = frame * 40 * Ms;
                clock.Add(published, published + 5_000_000_000 + (long)(random.NextDouble() * 30 * Ms));
            }
            Check.Near(5e9, clock.Ns, 3 * Ms, "offset with up to 30 ms of delay");
            bool stepped = false;
            for (int frame = 3000; frame < 3010; frame++)
            {
                stepped |= clock.Add(frame * 40 * Ms - 85_000_000_000, frame * 40 * Ms + 5_000_000_000);
            }
            Check.That(stepped, "a clock that was set is noticed");
            Check.Near(9e10, clock.Ns, Ms, "and followed");
        }

        [Test]
        public static void ADriftingClockIsFollowed()
        {
            var clock = new ClockOffset();
            long published = 0;
            for (int frame = 0; frame < 25 * 600; frame++)
            {
                published = frame * 40 * Ms;
                clock.Add(published, published + (long)(published * 100e-6)); // 100 ppm: 60 ms in ten minutes
            }
            Check.Near(published * 100e-6, clock.Ns, 4 * Ms, "after ten minutes");
        }

        [Test]
        public static void TheDelayFollowsWhatFramesNeed()
        {
            var delay = new AdaptiveDelay();
            for (int frame = 0; frame < 100; frame++)
            {
                delay.Add(5 * Ms, 40 * Ms);
                delay.Step(frame * 40 * Ms);
            }
            Check.Near(45 * Ms, delay.Ns, 0.1 * Ms, "a period and 5 ms");
            for (int frame = 100; frame < 110; frame++)
            {
                delay.Add(105 * Ms, 40 * Ms);
                delay.Step(frame * 40 * Ms);
            }
            Check.Near(145 * Ms, delay.WantedNs, 0.1 * Ms, "wanted");
            Check.That(delay.Ns > 60 * Ms && delay.Ns <= 45 * Ms + 40 * Ms,
                $"it grows by a tenth of the time: {delay.Ns}");
            for (int frame = 110; frame < 1000; frame++)
            {
                delay.Add(5 * Ms, 40 * Ms);
                delay.Step(frame * 40 * Ms);
                Check.That(frame != 180 || delay.Ns > 120 * Ms && delay.WantedNs == 45 * Ms, "it shrinks slowly");
            }
            Check.Near(45 * Ms, delay.Ns, 0.1 * Ms, "and shrinks again");
            delay.MostNs = 20 * Ms;
            delay.Add(5 * Ms, 40 * Ms);
            Check.Near(20 * Ms, delay.WantedNs, 0, "never above the most");
        }

        [Test]
        public static void PosesAreBlendedAndHeld()
        {
            var buffer = new JitterBuffer(2, 40 * Ms, Blend.Linear);
            var pose = new float[2];
            Check.That(!buffer.Sample(0, pose), "nothing yet");
            buffer.Push(100 * Ms, new[] { 0f, 10f });
            buffer.Push(140 * Ms, new[] { 1f, 20f });
            Check.That(buffer.Sample(110 * Ms, pose) && !buffer.IsHolding, "between");
            Check.Near(0.25, pose[0], 1e-6, "a quarter");
            Check.Near(12.5, pose[1], 1e-5, "a quarter of the other");
            buffer.Sample(50 * Ms, pose);
            Check.Equal(0f, pose[0], "before the first");
            buffer.Sample(5000 * Ms, pose);
            Check.That(pose[0] == 1f && buffer.IsHolding, "after the last it is held, not extrapolated");
            buffer.Push(1140 * Ms, new[] { 2f, 20f });
            buffer.Sample(900 * Ms, pose);
            Check.Equal(1f, pose[0], "held through a gap");
            buffer.Sample(1060 * Ms, pose);
            Check.Near(1.5, pose[0], 1e-5, "and left four periods before the next");
            buffer.Push(1140 * Ms, new[] { 3f, 20f });
            buffer.Sample(1160 * Ms, pose);
            Check.Near(2.5, pose[0], 1e-5, "a second pose of one moment counts as a period later");
        }

        [Test]
        public static void OldPosesGo()
        {
            var buffer = new JitterBuffer(1, 40 * Ms, Blend.Step);
            for (int frame = 0; frame < 3 * JitterBuffer.Capacity; frame++)
            {
                buffer.Push(frame * 40 * Ms, new float[] { frame });
            }
            var pose = new float[1];
            buffer.Sample((3 * JitterBuffer.Capacity - 2) * 40 * Ms + 39 * Ms, pose);
            Check.Equal(JitterBuffer.Capacity, buffer.Count, "kept");
            Check.Equal(3f * JitterBuffer.Capacity - 2, pose[0], "ids are not blended");
        }

        [Test]
        public static void RotationsGoTheShortWay()
        {
            float s = (float)Math.Sqrt(0.5);
            var buffer = new JitterBuffer(4, 40 * Ms, JitterBuffer.Of("quaternions"));
            buffer.Push(0, new[] { 0f, 0f, 0f, 1f });
            buffer.Push(40 * Ms, new[] { 0f, -s, 0f, -s }); // a quarter turn about y, by the other sign
            var pose = new float[4];
            buffer.Sample(20 * Ms, pose);
            Check.Near(Math.Sin(Math.PI / 8), pose[1], 1e-5, "half of a quarter turn");
            Check.Near(1, pose.Sum(each => each * each), 1e-5, "of unit length");
            Check.Equal(Blend.Step, JitterBuffer.Of("codes:pose"), "ids");
            Check.Equal(Blend.Linear, JitterBuffer.Of("arkit58"), "weights");
        }

        [Test]
        public static void PlaybackIsSmoothThoughFramesComeUnevenly()
        {
            var matcher = new Matcher();
            var channel = new Channel("arkit58");
            matcher.Add(channel);
            Made.Send(matcher, Made.Announced(Face));
            var player = new StreamPlayer(channel);
            var random = new Random(3);
            double worst = 0, before = double.NaN, fastest = 0, slowest = 9;
            const long offset = 7_000_000_000;
            long next = 0, arrives = 0;
            int seq = 0;
            for (long now = 0; now < 20_000 * Ms; now += 11 * Ms)
            {
                while (arrives <= now) // a pose is its own time in seconds, so that what is shown says of when it is
                {
                    if (arrives > 0)
                    {
                        float time = next / 1e9f;
                        Made.Send(matcher, Made.Message((ulong)seq++, new[] { time, 0f }, Layout, captureNs: next),
                            arrives + offset);
                        next += 40 * Ms;
                    }
                    arrives = next + (long)(random.NextDouble() * 25 * Ms) + 1;
                }
                if (player.Update(now + offset) && now > 4000 * Ms)
                {
                    double shown = player.Values[0], speed = (shown - before) / 0.011;
                    worst = Math.Max(worst, now / 1e9 - shown);
                    if (!double.IsNaN(before))
                    {
                        fastest = Math.Max(fastest, speed);
                        slowest = Math.Min(slowest, speed);
                    }
                    before = shown;
                }
            }
            Check.That(worst < 0.075, $"shown at most {worst * 1e3:0} ms after its capture");
            Check.That(fastest < 1.3 && slowest > 0.6, $"time goes at {slowest:0.00} to {fastest:0.00} of its speed");
            Check.That(player.Waits < 60, $"{player.Waits} moments without the next pose");
            Check.Near(25, player.Rate, 1.5, "frames a second");
        }

        [Test]
        public static void ShownTimeDoesNotRunBackwards()
        {
            var matcher = new Matcher();
            var player = new StreamPlayer(new Channel("arkit58"));
            matcher.Add(player.Channel);
            Made.Send(matcher, Made.Announced(Face));
            float before = 0;
            for (ulong seq = 0; seq < 1000; seq++)
            {
                long captured = (long)seq * 40 * Ms, came = captured + (seq < 4 ? 1 : 101) * Ms;
                float[] pose = { captured / 1e9f, 0f }; // after 32 s the fast way of the first four is forgotten
                Made.Send(matcher, Made.Message(seq, pose, Layout, captureNs: captured), came);
                player.Update(came);
                Check.That(player.Values[0] >= before, $"{player.Values[0]} s after {before} s");
                before = player.Values[0];
            }
            Check.Near(39.9, before, 0.1, "and it goes on");
        }

        [Test]
        public static void TheNewestPoseIsShownAtOnceWhereThatIsWanted()
        {
            var matcher = new Matcher();
            var player = new StreamPlayer(new Channel("arkit58")) { IsSmooth = false };
            matcher.Add(player.Channel);
            Made.Send(matcher, Made.Announced(Face));
            for (ulong seq = 0; seq < 5; seq++)
            {
                long captured = (long)seq * 40 * Ms;
                byte[] message = Made.Message(seq, new[] { seq, 0f }, Layout, captureNs: captured);
                Made.Send(matcher, message, captured + 9 * Ms);
            }
            Check.That(player.Update(170 * Ms) && player.Values[0] == 4f && player.Seq == 4, "the newest");
            player.IsSmooth = true;
            Made.Send(matcher, Made.Message(5, new[] { 5f, 0f }, Layout, captureNs: 200 * Ms), 209 * Ms);
            player.Update(210 * Ms);
            Check.That(player.Values[0] < 5f, "a blended one is a little late");
        }

        [Test]
        public static void AnAvatarGoesBackToRestWhenFramesStop()
        {
            var channel = new Channel("arkit58");
            var matcher = new Matcher();
            matcher.Add(channel);
            Made.Send(matcher, Made.Announced(Face));
            var player = new StreamPlayer(channel);
            Check.That(!player.Update(1), "no pose yet");
            Made.Send(matcher, Made.Message(1, new[] { 1f, 2f }, Layout), 1000 * Ms);
            Check.That(player.Update(1000 * Ms) && player.Presence == 1 && player.Version == 1, "present");
            player.Update(2900 * Ms);
            Check.Near(1, player.Presence, 1e-6, "after 1.9 s");
            player.Update(3500 * Ms);
            Check.Near(0.5, player.Presence, 1e-3, "after 2.5 s");
            player.Update(9000 * Ms);
            Check.Near(0, player.Presence, 1e-6, "after 8 s");
            Check.Equal(1f, player.Values[0], "the pose is held meanwhile");
            Made.Send(matcher, Made.Message(1, new[] { 5f, 2f }, Layout), 9100 * Ms);
            Made.Send(matcher, Made.Announced(Face));
            Made.Send(matcher, Made.Message(2, new[] { 6f, 2f }, Layout), 9140 * Ms);
            Check.That(player.Update(9140 * Ms) && player.Version == 2 && player.Values[0] == 6f,
                "another run begins anew");
        }
    }
}
