// A body of the engine onto the bones of an avatar whose rest pose, proportions and bone axes are others.
//
// Limbs point where they pointed, in the room, so it does not matter whether a rig rests in a T or an A; trunk, head,
// shoulders and feet turn as they turned from their rest. The way through the room is scaled by the height of the hips.
using System;
using System.Collections.Generic;
using System.Numerics;

namespace ReactionEngine
{
    /// <summary>A bone of the avatar at rest, in the axes of the avatar's root (Unity's, left-handed),
    /// metres.</summary>
    public readonly struct RestBone
    {
        public readonly string Name;
        public readonly Vector3 Position;
        public readonly Quaternion Rotation;

        public RestBone(string name, Vector3 position, Quaternion rotation)
        {
            Name = name;
            Position = position;
            Rotation = rotation;
        }
    }

    /// <summary>Made for one skeleton and one avatar; <see cref="Apply"/> allocates nothing.</summary>
    public sealed class Retargeter
    {
        /// <summary>Bones that point where the engine's point, and the bone at their end.</summary>
        private static readonly (string Bone, string End)[] Limbs =
        {
            ("UpperArm", "LowerArm"), ("LowerArm", "Hand"), ("UpperLeg", "LowerLeg"), ("LowerLeg", "Foot"),
        };

        private readonly int[] joints;
        private readonly Quaternion[] rests;
        private readonly Vector3 hips;
        private readonly float scale;

        /// <summary>For the bones that an avatar has, parents before children.</summary>
        public Retargeter(Skeleton skeleton, IReadOnlyList<RestBone> avatar, string table = "")
        {
            Dictionary<string, int> found = HumanBones.Find(skeleton, table);
            LendTrunk(found, avatar);
            Vector3[] places = skeleton.RestPositions();
            var bones = new List<string>();
            var from = new List<int>();
            var turned = new List<Quaternion>();
            var corrections = new Dictionary<string, Quaternion>();
            foreach (RestBone bone in avatar)
            {
                if (!found.TryGetValue(bone.Name, out int joint))
                {
                    continue;
                }
                Quaternion correction = Correction(bone, avatar, found, places, corrections);
                corrections[bone.Name] = correction;
                bones.Add(bone.Name);
                from.Add(joint);
                turned.Add(correction * bone.Rotation);
                if (bone.Name == "Hips")
                {
                    hips = bone.Position;
                    float height = Height(places, joint);
                    scale = height > 0.1f && bone.Position.Y > 0 ? bone.Position.Y / height : 1;
                }
            }
            Bones = bones.ToArray();
            joints = from.ToArray();
            rests = turned.ToArray();
            Rotations = new Quaternion[Bones.Length];
            HipsPosition = hips;
        }

        /// <summary>The bones that are driven, by the names of Unity's HumanBodyBones.</summary>
        public string[] Bones { get; }

        /// <summary>Their rotations in the axes of the avatar's root: to be set parents first.</summary>
        public Quaternion[] Rotations { get; }

        /// <summary>Where the hips belong, in the axes of the avatar's root, metres.</summary>
        public Vector3 HipsPosition { get; private set; }

        /// <summary>Sets <see cref="Rotations"/> and <see cref="HipsPosition"/>.</summary>
        public void Apply(BodyPose pose, bool hasRoot)
        {
            for (int bone = 0; bone < Bones.Length; bone++)
            {
                Rotations[bone] = Quaternion.Normalize(Turn.ToUnity(pose.Turns[joints[bone]]) * rests[bone]);
            }
            HipsPosition = hasRoot ? Turn.ToUnity(pose.Root) * scale : hips;
        }

        /// <summary>The turn that brings a limb of the avatar at rest to where the skeleton's limb rests. A hand goes
        /// with its forearm.</summary>
        private static Quaternion Correction(
            RestBone bone, IReadOnlyList<RestBone> avatar, Dictionary<string, int> found, Vector3[] places,
            Dictionary<string, Quaternion> before)
        {
            string side = bone.Name.StartsWith("Left", StringComparison.Ordinal) ? "Left" : "Right";
            if (bone.Name == side + "Hand" && before.TryGetValue(side + "LowerArm", out Quaternion forearm))
            {
                return forearm;
            }
            foreach ((string limb, string end) in Limbs)
            {
                if (bone.Name != side + limb || !found.TryGetValue(side + end, out int tip))
                {
                    continue;
                }
                foreach (RestBone other in avatar)
                {
                    if (other.Name == side + end)
                    {
                        Vector3 wanted = Turn.ToUnity(places[tip] - places[found[bone.Name]]);
                        return Turn.Between(other.Position - bone.Position, wanted);
                    }
                }
            }
            return Quaternion.Identity;
        }

        /// <summary>An avatar with fewer bones in its trunk turns the last it has as the skeleton's last.</summary>
        private static void LendTrunk(Dictionary<string, int> found, IReadOnlyList<RestBone> avatar)
        {
            string[] trunk = { "UpperChest", "Chest", "Spine" };
            string last = Array.Find(trunk, found.ContainsKey);
            foreach (string name in trunk)
            {
                bool isThere = false;
                foreach (RestBone bone in avatar)
                {
                    isThere |= bone.Name == name;
                }
                if (isThere)
                {
                    if (last != null)
                    {
                        found[name] = found[last];
                    }
                    return;
                }
            }
        }

        private static float Height(Vector3[] places, int hips)
        {
            float lowest = places[hips].Y;
            foreach (Vector3 place in places)
            {
                lowest = Math.Min(lowest, place.Y);
            }
            return places[hips].Y - lowest;
        }
    }
}
