// Poses by capture time, blended to any moment between two of them. Before the first and after the last the pose is
// held: nothing is extrapolated. After a gap the pose before it is held and left a few periods before the next one.
using System;

namespace ReactionEngine
{
    /// <summary>How numbers of a stream are blended.</summary>
    public enum Blend
    {
        /// <summary>Each number on its own: weights, places, small angles.</summary>
        Linear,

        /// <summary>Groups of four, x y z w, along the shorter way, to unit length.</summary>
        Quaternions,

        /// <summary>Not at all: ids and choices keep their value until the next frame.</summary>
        Step,
    }

    /// <summary>The newest <see cref="Capacity"/> poses of one stream. One thread.</summary>
    public sealed class JitterBuffer
    {
        public const int Capacity = 32;

        /// <summary>Periods over which a pose moves to the next one, however long the gap was.</summary>
        private const long LongestBlend = 4;
        private readonly long[] times = new long[Capacity];
        private readonly float[][] poses = new float[Capacity][];
        private readonly Blend blend;
        private readonly int size;
        private readonly long periodNs;
        private int first;
        private int count;

        /// <summary>For poses of <paramref name="size"/> numbers, <paramref name="periodNs"/> apart.</summary>
        public JitterBuffer(int size, long periodNs, Blend blend)
        {
            this.size = size;
            this.periodNs = periodNs;
            this.blend = blend;
            for (int index = 0; index < Capacity; index++)
            {
                poses[index] = new float[size];
            }
        }

        public int Count => count;

        public long NewestNs => times[(first + count - 1) % Capacity];

        /// <summary>Whether the last <see cref="Sample"/> was behind the newest pose, and held it.</summary>
        public bool IsHolding { get; private set; }

        /// <summary>How codecs are blended.</summary>
        public static Blend Of(string codec)
        {
            if (codec == "quaternions")
            {
                return Blend.Quaternions;
            }
            return codec.StartsWith("codes:", StringComparison.Ordinal) ? Blend.Step : Blend.Linear;
        }

        /// <summary>Adds a pose, captured after those before; one that was not counts as a period after the last.
        /// </summary>
        public void Push(long captureNs, float[] values)
        {
            if (count > 0 && captureNs <= NewestNs)
            {
                captureNs = NewestNs + periodNs;
            }
            if (count == Capacity)
            {
                first = (first + 1) % Capacity;
                count--;
            }
            int slot = (first + count++) % Capacity;
            times[slot] = captureNs;
            Array.Copy(values, poses[slot], size);
        }

        /// <summary>The pose of that moment of the capture clock; false while there is none.</summary>
        public bool Sample(long atNs, float[] into)
        {
            if (count == 0)
            {
                return false;
            }
            int next = 0;
            while (next < count && times[(first + next) % Capacity] <= atNs)
            {
                next++;
            }
            IsHolding = next == count;
            if (next == 0 || next == count)
            {
                Array.Copy(poses[(first + Math.Max(next - 1, 0)) % Capacity], into, size);
                return true;
            }
            int from = (first + next - 1) % Capacity, to = (first + next) % Capacity;
            long begin = Math.Max(times[from], times[to] - LongestBlend * periodNs);
            float part = Math.Max(0, atNs - begin) / (float)(times[to] - begin);
            switch (blend)
            {
                case Blend.Quaternions:
                    BlendQuaternions(poses[from], poses[to], part, into);
                    break;
                case Blend.Linear:
                    for (int index = 0; index < size; index++)
                    {
                        into[index] = poses[from][index] + part * (poses[to][index] - poses[from][index]);
                    }
                    break;
                default:
                    Array.Copy(poses[from], into, size);
                    break;
            }
            return true;
        }

        private void BlendQuaternions(float[] from, float[] to, float part, float[] into)
        {
            for (int at = 0; at + 3 < size; at += 4)
            {
                float dot = 0, length = 0;
                for (int axis = at; axis < at + 4; axis++)
                {
                    dot += from[axis] * to[axis];
                }
                float sign = dot < 0 ? -1 : 1; // q and -q are one rotation
                for (int axis = at; axis < at + 4; axis++)
                {
                    into[axis] = (1 - part) * from[axis] + part * sign * to[axis];
                    length += into[axis] * into[axis];
                }
                float scale = length > 1e-12f ? 1 / (float)Math.Sqrt(length) : 0;
                for (int axis = at; axis < at + 4; axis++)
                {
                    into[axis] = scale > 0 ? into[axis] * scale : (axis == at + 3 ? 1 : 0);
                }
            }
        }
    }
}
