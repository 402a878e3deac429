// Turns of joints in the engine's room, from either of the codecs that carry a body: local quaternions, or places.
using System;
using System.Numerics;

namespace ReactionEngine
{
    /// <summary>Reads the poses of one skeleton. <see cref="Turns"/> are rotations of joints against the rest pose, in
    /// the room and not to the parent; right-handed, as the engine has them.</summary>
    public sealed class BodyPose
    {
        private readonly Skeleton skeleton;
        private readonly int[][] children;
        private readonly Vector3[] rest;
        private readonly Vector3[] seen;

        /// <summary>Throws <see cref="ArgumentException"/> for markers, which have no rotations.</summary>
        public BodyPose(Skeleton skeleton)
        {
            if (!skeleton.IsTree)
            {
                throw new ArgumentException($"skeleton {skeleton.Name} is a set of markers and moves no bones");
            }
            this.skeleton = skeleton;
            int count = skeleton.Joints.Length;
            children = new int[count][];
            for (int joint = 0; joint < count; joint++)
            {
                int parent = joint;
                children[joint] = Array.FindAll(Indices(count), each => skeleton.Parents[each] == parent);
            }
            rest = new Vector3[count];
            seen = new Vector3[count];
            Turns = new Quaternion[count];
            Array.Fill(Turns, Quaternion.Identity);
        }

        public Quaternion[] Turns { get; }

        /// <summary>Where the root is, metres, right-handed; known of places alone.</summary>
        public Vector3 Root { get; private set; }

        /// <summary>From the codec "quaternions": local rotations (joints, 4), x y z w.</summary>
        public void ReadQuaternions(float[] values)
        {
            for (int joint = 0; joint < Turns.Length; joint++)
            {
                var local = new Quaternion(
                    values[4 * joint], values[4 * joint + 1], values[4 * joint + 2], values[4 * joint + 3]);
                local = local.LengthSquared() > 1e-6f ? Quaternion.Normalize(local) : Quaternion.Identity;
                int parent = skeleton.Parents[joint];
                Turns[joint] = parent < 0 ? local : Turns[parent] * local;
            }
        }

        /// <summary>From the codec "joints": places (joints, 3), metres. Each joint is turned so that the offsets of
        /// its
        /// children fit those seen; the twist about a bone that places do not tell follows the parent.</summary>
        public void ReadJoints(float[] values)
        {
            Root = Place(values, 0);
            for (int joint = 0; joint < Turns.Length; joint++)
            {
                int parent = skeleton.Parents[joint];
                Quaternion above = parent < 0 ? Quaternion.Identity : Turns[parent];
                int count = 0;
                foreach (int child in children[joint])
                {
                    rest[count] = skeleton.Rest[child];
                    seen[count++] = Place(values, child) - Place(values, joint);
                }
                Turns[joint] = Turn.Fit(rest, seen, count, above);
            }
        }

        /// <summary>Only the root's place from the codec "joints", where rotations come with another stream.</summary>
        public void ReadRoot(float[] values) => Root = Place(values, 0);

        private static Vector3 Place(float[] values, int joint) =>
            new Vector3(values[3 * joint], values[3 * joint + 1], values[3 * joint + 2]);

        private static int[] Indices(int count)
        {
            var all = new int[count];
            for (int index = 0; index < count; index++)
            {
                all[index] = index;
            }
            return all;
        }
    }
}
