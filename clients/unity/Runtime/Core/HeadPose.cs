// The head and the eyes of the face stream, as rotations in Unity's axes.
using System;
using System.Collections.Generic;
using System.Numerics;

namespace ReactionEngine
{
    /// <summary>Reads headPitch, headYaw, headRoll (radians), headX, headY, headZ (metres) and the eyes' looks out of a
    /// stream of the codec "arkit58", wherever its names stand.</summary>
    public sealed class HeadPose
    {
        private readonly int pitch, yaw, roll, x, y, z;
        private readonly int[] left, right;

        public HeadPose(IReadOnlyList<string> names)
        {
            var at = new Dictionary<string, int>();
            for (int index = 0; index < names.Count; index++)
            {
                at[names[index]] = index;
            }
            int Where(string name) => at.TryGetValue(name, out int index) ? index : -1;
            pitch = Where("headPitch");
            yaw = Where("headYaw");
            roll = Where("headRoll");
            x = Where("headX");
            y = Where("headY");
            z = Where("headZ");
            left = Array.ConvertAll(new[] { "Out", "In", "Up", "Down" }, way => Where($"eyeLook{way}Left"));
            right = Array.ConvertAll(new[] { "In", "Out", "Up", "Down" }, way => Where($"eyeLook{way}Right"));
        }

        /// <summary>How the head is turned from rest. The engine composes Ry(yaw) Rx(pitch) Rz(roll) with x to the
        /// person's left, y up and z out of the face; positive pitch looks down, positive yaw to the own
        /// left.</summary>
        public Quaternion Rotation(float[] values)
        {
            Quaternion turn = Quaternion.CreateFromAxisAngle(Vector3.UnitY, At(values, yaw))
                * Quaternion.CreateFromAxisAngle(Vector3.UnitX, At(values, pitch))
                * Quaternion.CreateFromAxisAngle(Vector3.UnitZ, At(values, roll));
            return Turn.ToUnity(turn);
        }

        /// <summary>How far the head has moved from rest, metres.</summary>
        public Vector3 Position(float[] values) =>
            Turn.ToUnity(new Vector3(At(values, x), At(values, y), At(values, z)));

        /// <summary>How an eye is turned in the head, where looking as far as it can is <paramref name="most"/>
        /// radians.
        /// </summary>
        public Quaternion Eye(float[] values, bool isLeft, float most)
        {
            int[] looks = isLeft ? left : right;
            float toLeft = At(values, looks[0]) - At(values, looks[1]);
            float up = At(values, looks[2]) - At(values, looks[3]);
            return Turn.ToUnity(Quaternion.CreateFromAxisAngle(Vector3.UnitY, toLeft * most)
                * Quaternion.CreateFromAxisAngle(Vector3.UnitX, -up * most));
        }

        private static float At(float[] values, int index) => index < 0 ? 0 : values[index];
    }
}
