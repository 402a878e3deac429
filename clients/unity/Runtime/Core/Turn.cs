// Rotations: from the engine's axes to Unity's, from one direction to another, and the best fit of several directions.
using System;
using System.Numerics;

namespace ReactionEngine
{
    /// <summary>The engine is right-handed (Y up, a figure faces +Z, its left at +X), Unity left-handed (Y up, forward
    /// +Z, right +X). So X is mirrored: places (-x, y, z), rotations (x, -y, -z, w).</summary>
    public static class Turn
    {
        private const int Sweeps = 8;

        /// <summary>Weight of the turn before beside what is seen: enough to settle a twist that is left
        /// open.</summary>
        private const double Prior = 1e-6;

        public static Vector3 ToUnity(Vector3 place) => new Vector3(-place.X, place.Y, place.Z);

        public static Quaternion ToUnity(Quaternion turn) => new Quaternion(turn.X, -turn.Y, -turn.Z, turn.W);

        /// <summary>The shortest turn that takes one direction to the other; none for a direction of length
        /// 0.</summary>
        public static Quaternion Between(Vector3 from, Vector3 to)
        {
            float length = from.Length() * to.Length();
            if (length < 1e-9f)
            {
                return Quaternion.Identity;
            }
            float dot = Vector3.Dot(from, to) / length;
            if (dot < -0.99999f)
            {
                Vector3 other = Math.Abs(from.X) < 0.6f * from.Length() ? Vector3.UnitX : Vector3.UnitY;
                return Quaternion.CreateFromAxisAngle(Vector3.Normalize(Vector3.Cross(from, other)), (float)Math.PI);
            }
            return Quaternion.Normalize(new Quaternion(Vector3.Cross(from, to) / length, 1 + dot));
        }

        /// <summary>The turn under which directions <paramref name="rest"/> lie closest to those seen, in the
        /// least-squares
        /// sense: the largest eigenvector of Horn's matrix (1987). What they leave open, such as the twist about a
        /// single
        /// one, is as in <paramref name="start"/>. Arrays hold <paramref name="count"/> of each.</summary>
        public static Quaternion Fit(Vector3[] rest, Vector3[] seen, int count, Quaternion start)
        {
            Vector3 x = default, y = default, z = default;
            float size = 0;
            for (int index = 0; index < count; index++)
            {
                x += seen[index] * rest[index].X;
                y += seen[index] * rest[index].Y;
                z += seen[index] * rest[index].Z;
                size += rest[index].LengthSquared();
            }
            if (size < 1e-12f)
            {
                return start;
            }
            Span<double> sum = stackalloc double[9];
            for (int axis = 0; axis < 3; axis++)
            {
                Vector3 along = axis == 0 ? x : axis == 1 ? y : z;
                Vector3 unit = axis == 0 ? Vector3.UnitX : axis == 1 ? Vector3.UnitY : Vector3.UnitZ;
                Vector3 before = Vector3.Transform(unit, start);
                sum[3 * axis] = along.X / (double)size + Prior * before.X;
                sum[3 * axis + 1] = along.Y / (double)size + Prior * before.Y;
                sum[3 * axis + 2] = along.Z / (double)size + Prior * before.Z;
            }
            Span<double> matrix = stackalloc double[16]
            {
                sum[0] + sum[4] + sum[8], sum[5] - sum[7], sum[6] - sum[2], sum[1] - sum[3],
                sum[5] - sum[7], sum[0] - sum[4] - sum[8], sum[1] + sum[3], sum[6] + sum[2],
                sum[6] - sum[2], sum[1] + sum[3], sum[4] - sum[0] - sum[8], sum[5] + sum[7],
                sum[1] - sum[3], sum[6] + sum[2], sum[5] + sum[7], sum[8] - sum[0] - sum[4],
            };
            Span<double> best = stackalloc double[4];
            LargestEigenvector(matrix, best);
            return Quaternion.Normalize(new Quaternion((float)best[1], (float)best[2], (float)best[3], (float)best[0]));
        }

        /// <summary>Of a symmetric 4 x 4 matrix, by Jacobi's rotations; the matrix is used up.</summary>
        private static void LargestEigenvector(Span<double> matrix, Span<double> vector)
        {
            Span<double> vectors = stackalloc double[16];
            vectors.Clear();
            for (int index = 0; index < 4; index++)
            {
                vectors[5 * index] = 1;
            }
            for (int sweep = 0; sweep < Sweeps; sweep++)
            {
                for (int p = 0; p < 3; p++)
                {
                    for (int q = p + 1; q < 4; q++)
                    {
                        Rotate(matrix, vectors, p, q);
                    }
                }
            }
            int largest = 0;
            for (int index = 1; index < 4; index++)
            {
                largest = matrix[5 * index] > matrix[5 * largest] ? index : largest;
            }
            for (int row = 0; row < 4; row++)
            {
                vector[row] = vectors[4 * row + largest];
            }
        }

        private static void Rotate(Span<double> matrix, Span<double> vectors, int p, int q)
        {
            double off = matrix[4 * p + q];
            if (Math.Abs(off) < 1e-18)
            {
                return;
            }
            double theta = (matrix[5 * q] - matrix[5 * p]) / (2 * off);
            double t = (theta < 0 ? -1 : 1) / (Math.Abs(theta) + Math.Sqrt(theta * theta + 1));
            double c = 1 / Math.Sqrt(t * t + 1), s = t * c;
            for (int k = 0; k < 4; k++)
            {
                double kp = matrix[4 * k + p], kq = matrix[4 * k + q];
                matrix[4 * k + p] = c * kp - s * kq;
                matrix[4 * k + q] = s * kp + c * kq;
            }
            for (int k = 0; k < 4; k++)
            {
                double pk = matrix[4 * p + k], qk = matrix[4 * q + k];
                matrix[4 * p + k] = c * pk - s * qk;
                matrix[4 * q + k] = s * pk + c * qk;
                double vp = vectors[4 * k + p], vq = vectors[4 * k + q];
                vectors[4 * k + p] = c * vp - s * vq;
                vectors[4 * k + q] = s * vp + c * vq;
            }
        }
    }
}
