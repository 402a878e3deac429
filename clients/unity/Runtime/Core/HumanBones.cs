// Which joint of an announced skeleton is which bone of Unity's humanoid. Joints have the names of many programs; the
// trunk is found along the tree, the rest by words. A table of lines "joint, bone" goes before what is found.
using System;
using System.Collections.Generic;

namespace ReactionEngine
{
    public static class HumanBones
    {
        /// <summary>Names as in Unity's HumanBodyBones, parents before children.</summary>
        public static readonly string[] Names =
        {
            "Hips", "Spine", "Chest", "UpperChest", "Neck", "Head", "LeftEye", "RightEye",
            "LeftShoulder", "LeftUpperArm", "LeftLowerArm", "LeftHand",
            "RightShoulder", "RightUpperArm", "RightLowerArm", "RightHand",
            "LeftUpperLeg", "LeftLowerLeg", "LeftFoot", "LeftToes",
            "RightUpperLeg", "RightLowerLeg", "RightFoot", "RightToes",
        };

        /// <summary>Words for the bones of a side, in the order in which they are looked for; a joint is taken once.
        /// What a word means depends on its neighbours: where there is an "arm", the "shoulder" is the collar bone.
        /// </summary>
        private static readonly (string Bone, string[] Words)[] Sided =
        {
            ("UpperArm", new[] { "upperarm", "uparm", "shldr", "shldrbend", "humerus", "arm", "shoulder" }),
            ("Shoulder", new[] { "collar", "clavicle", "shoulder" }),
            ("LowerArm", new[] { "lowerarm", "forearm", "lowarm", "forearmbend", "elbow", "radius" }),
            ("Hand", new[] { "hand", "wrist" }),
            ("UpperLeg", new[] { "upperleg", "upleg", "thigh", "thighbend", "femur", "hip" }),
            ("LowerLeg", new[] { "lowerleg", "lowleg", "shin", "calf", "knee", "tibia", "leg" }),
            ("Foot", new[] { "ankle", "foot" }),
            ("Toes", new[] { "toes", "toe", "toebase", "ball", "foot" }),
            ("Eye", new[] { "eye" }),
        };

        private static readonly string[] HipWords = { "hips", "hip", "pelvis", "root", "lowertorso" };
        private static readonly string[] NeckWords = { "neck", "neck1", "neck01", "lowerneck", "necklower" };
        private static readonly string[] TrunkNames = { "Spine", "Chest", "UpperChest" };

        /// <summary>The joint (its index) of each bone that is found, by the bone's name.</summary>
        public static Dictionary<string, int> Find(Skeleton skeleton, string table = "")
        {
            var found = Told(skeleton, table);
            var taken = new HashSet<int>(found.Values);
            var sides = new Dictionary<string, int>();
            var middle = new Dictionary<string, int>();
            for (int joint = 0; joint < skeleton.Joints.Length; joint++)
            {
                string word = Word(skeleton.Joints[joint], out string side);
                (side.Length > 0 ? sides : middle).TryAdd(side + word, joint);
            }
            Take(found, taken, "Hips", middle, "", HipWords);
            Take(found, taken, "Head", middle, "", new[] { "head" });
            Take(found, taken, "Neck", middle, "", NeckWords);
            foreach (string side in new[] { "Left", "Right" })
            {
                foreach ((string bone, string[] words) in Sided)
                {
                    Take(found, taken, side + bone, sides, side, words);
                }
            }
            FindTrunk(skeleton, found, taken);
            return found;
        }

        /// <summary>A joint's name without its side, lower case, and the side: "Left", "Right" or empty.</summary>
        internal static string Word(string joint, out string side)
        {
            string name = joint.Substring(joint.LastIndexOf(':') + 1);
            string lower = name.ToLowerInvariant();
            side = "";
            foreach ((string mark, string of) in new[] { ("left", "Left"), ("right", "Right") })
            {
                if (lower.StartsWith(mark, StringComparison.Ordinal) || lower.EndsWith(mark, StringComparison.Ordinal))
                {
                    side = of;
                    int at = lower.StartsWith(mark, StringComparison.Ordinal) ? mark.Length : 0;
                    return Letters(lower.Substring(at, lower.Length - mark.Length));
                }
            }
            if (name.Length > 2)
            {
                char first = lower[0], last = lower[lower.Length - 1];
                bool isFront = name[1] == '_' || name[1] == '.' || char.IsLower(name[0]) && char.IsUpper(name[1]);
                bool isBack = name[name.Length - 2] == '_' || name[name.Length - 2] == '.';
                if (isFront && (first == 'l' || first == 'r'))
                {
                    side = first == 'l' ? "Left" : "Right";
                    return Letters(lower.Substring(1));
                }
                if (isBack && (last == 'l' || last == 'r'))
                {
                    side = last == 'l' ? "Left" : "Right";
                    return Letters(lower.Substring(0, lower.Length - 2));
                }
            }
            return Letters(lower);
        }

        private static string Letters(string name) =>
            string.Concat(Array.FindAll(name.ToCharArray(), char.IsLetterOrDigit));

        private static void Take(
            Dictionary<string, int> found, HashSet<int> taken, string bone, Dictionary<string, int> joints, string side,
            string[] words)
        {
            foreach (string word in words)
            {
                if (!found.ContainsKey(bone) && joints.TryGetValue(side + word, out int joint) && taken.Add(joint))
                {
                    found[bone] = joint;
                }
            }
        }

        /// <summary>What lies between hips and neck: one joint is the spine, two spine and chest, of more the last
        /// is the upper chest.</summary>
        private static void FindTrunk(Skeleton skeleton, Dictionary<string, int> found, HashSet<int> taken)
        {
            if (!found.TryGetValue("Hips", out int hips))
            {
                return;
            }
            if (!found.TryGetValue("Neck", out int end) && !found.TryGetValue("Head", out end))
            {
                return;
            }
            var between = new List<int>();
            for (int joint = skeleton.Parents[end]; joint >= 0 && joint != hips; joint = skeleton.Parents[joint])
            {
                between.Insert(0, joint);
            }
            for (int number = 0; number < Math.Min(between.Count, TrunkNames.Length); number++)
            {
                bool isLast = number == TrunkNames.Length - 1;
                int joint = between[isLast ? between.Count - 1 : number];
                if (!found.ContainsKey(TrunkNames[number]) && taken.Add(joint))
                {
                    found[TrunkNames[number]] = joint;
                }
            }
        }

        private static Dictionary<string, int> Told(Skeleton skeleton, string table)
        {
            var told = new Dictionary<string, int>();
            string[] rows = (table ?? "").Split('\n');
            for (int row = 0; row < rows.Length; row++)
            {
                string line = rows[row].Split('#')[0].Trim();
                if (line.Length == 0)
                {
                    continue;
                }
                string[] cells = line.Split(',', ';', '\t');
                string bone = cells.Length == 2 ? cells[1].Trim() : "";
                if (Array.IndexOf(Names, bone) < 0)
                {
                    throw new FormatException(
                        $"table of bones, line {row + 1}: \"{line}\"; write joint, bone, where bone is one of "
                        + string.Join(" ", Names));
                }
                int joint = Array.IndexOf(skeleton.Joints, cells[0].Trim());
                if (joint >= 0) // a table may serve several skeletons
                {
                    told[bone] = joint;
                }
            }
            return told;
        }
    }
}
