// Time on this machine, the engine's clock seen from here, and the delay that makes playback smooth.
using System;
using System.Diagnostics;

namespace ReactionEngine
{
    /// <summary>This machine's monotonic clock.</summary>
    public static class Monotonic
    {
        private static readonly double NsPerTick = 1e9 / Stopwatch.Frequency;

        public static long NowNs() => (long)(Stopwatch.GetTimestamp() * NsPerTick);
    }

    /// <summary>How far this machine's clock is ahead of the engine's, plus the shortest way from there: the least of
    /// (received - published) of the last half minute. A message can be delayed and never be early, so the least is the
    /// one that says most; what is older is forgotten, so that clocks may drift.</summary>
    public sealed class ClockOffset
    {
        private const long SegmentNs = 4_000_000_000;
        private const int Segments = 8;
        private const long StepNs = 1_000_000_000;
        private const int Strange = 8;
        private readonly long[] least = new long[Segments];
        private readonly long[] of = new long[Segments];
        private int strange;

        public ClockOffset() => Forget();

        public bool IsKnown { get; private set; }

        public long Ns { get; private set; }

        public void Forget()
        {
            IsKnown = false;
            strange = 0;
            Array.Fill(of, long.MinValue);
        }

        /// <summary>A message, published at the engine's and received at this machine's time. True where a clock was
        /// set, so that all times before are of another one.</summary>
        public bool Add(long publishNs, long receivedNs)
        {
            long offset = receivedNs - publishNs;
            // one clock was set, or one machine slept: many in a row say so
            strange = IsKnown && Math.Abs(offset - Ns) > StepNs ? strange + 1 : 0;
            bool isOther = strange >= Strange;
            if (isOther)
            {
                Forget();
            }
            long segment = receivedNs / SegmentNs;
            int slot = (int)(((segment % Segments) + Segments) % Segments);
            if (of[slot] != segment || offset < least[slot])
            {
                least[slot] = offset;
                of[slot] = segment;
            }
            Ns = offset;
            for (int index = 0; index < Segments; index++)
            {
                if (of[index] > segment - Segments && least[index] < Ns)
                {
                    Ns = least[index];
                }
            }
            IsKnown = true;
            return isOther;
        }
    }

    /// <summary>How long after its capture a pose is shown: a frame's period, so that the pose after it is there to be
    /// blended with, and as much as 95 of 100 frames were on their way. It follows slowly, so that nobody sees time
    /// stretch: at once in the beginning, then by 10 % of the time that passes up and 3 % down.</summary>
    public sealed class AdaptiveDelay
    {
        private const int Kept = 64;
        private const double Up = 0.10;
        private const double Down = 0.03;
        private const double Part = 0.95;
        private readonly long[] ages = new long[Kept];
        private readonly long[] sorted = new long[Kept];
        private int count;
        private int next;
        private long steppedNs;
        private double ns;

        /// <summary>The delay in use, nanoseconds.</summary>
        public long Ns => (long)ns;

        /// <summary>What the frames of the last seconds ask for, nanoseconds.</summary>
        public long WantedNs { get; private set; }

        /// <summary>Never more than this, whatever the network does: then poses are held instead.</summary>
        public long MostNs { get; set; } = 500_000_000;

        public void Forget()
        {
            count = next = 0;
            ns = WantedNs = 0;
        }

        /// <summary>A frame that came so long after its capture; its stream's period.</summary>
        public void Add(long ageNs, long periodNs)
        {
            ages[next] = ageNs;
            next = (next + 1) % Kept;
            count = Math.Min(count + 1, Kept);
            Array.Copy(ages, sorted, count);
            Array.Sort(sorted, 0, count);
            long most = sorted[(int)(Part * (count - 1))];
            WantedNs = Math.Min(Math.Max(most, 0) + periodNs, MostNs);
        }

        /// <summary>Moves the delay towards what is wanted.</summary>
        public void Step(long nowNs)
        {
            double passed = Math.Max(0, nowNs - steppedNs);
            steppedNs = nowNs;
            if (ns == 0 || count < 4)
            {
                ns = WantedNs;
                return;
            }
            ns += Math.Min(Math.Max(WantedNs - ns, -Down * passed), Up * passed);
        }
    }
}
