// Bodies: which joint is which bone, turns from places, and another avatar's bones.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;

namespace ReactionEngine.Tests
{
    public static class BodyTests
    {
        private const float Quarter = (float)Math.PI / 2;

        /// <summary>An upright figure in a T, its left at +X.</summary>
        private static readonly Skeleton Figure = Made.Body(
            ("hips", -1, 0, 0, 0), ("spine", 0, 0, 0.2f, 0), ("neck", 1, 0, 0.3f, 0), ("head", 2, 0, 0.1f, 0),
            ("lCollar", 1, 0.05f, 0.25f, 0), ("lShldr", 4, 0.12f, 0, 0), ("lForeArm", 5, 0.28f, 0, 0),
            ("lHand", 6, 0.24f, 0, 0), ("lThigh", 0, 0.1f, -0.05f, 0), ("lShin", 8, 0, -0.45f, 0),
            ("lFoot", 9, 0, -0.42f, 0), ("lFoot.end", 10, 0, -0.08f, 0.1f));

        [Test]
        public static void JointsAreFoundByTheNamesOfManyPrograms()
        {
            Same("LeftUpperArm", "lShldr", Figure);
            Same("LeftShoulder", "lCollar", Figure);
            Same("Spine", "spine", Figure);
            Same("LeftUpperLeg", "lThigh", Figure);
            Skeleton smpl = Made.Body(
                ("pelvis", -1, 0, 1, 0), ("l_hip", 0, .1f, -.1f, 0), ("r_hip", 0, -.1f, -.1f, 0), ("spine1", 0, 0, .1f,
                    0),
                ("l_knee", 1, 0, -.4f, 0), ("spine2", 3, 0, .1f, 0), ("l_ankle", 4, 0, -.4f, 0), ("spine3", 5, 0, .1f,
                    0),
                ("l_foot", 6, 0, 0, .1f), ("neck", 7, 0, .1f, 0), ("l_collar", 7, .1f, 0, 0), ("head", 9, 0, .1f, 0),
                ("l_shoulder", 10, .1f, 0, 0), ("l_elbow", 12, .3f, 0, 0), ("l_wrist", 13, .2f, 0, 0));
            foreach ((string bone, string joint) in new[]
            {
                ("Hips", "pelvis"), ("Spine", "spine1"), ("Chest", "spine2"), ("UpperChest", "spine3"), ("Neck",
                    "neck"),
                ("LeftShoulder", "l_collar"), ("LeftUpperArm", "l_shoulder"), ("LeftLowerArm", "l_elbow"),
                ("LeftHand", "l_wrist"), ("LeftUpperLeg", "l_hip"), ("RightUpperLeg", "r_hip"), ("LeftLowerLeg",
                    "l_knee"),
                ("LeftFoot", "l_ankle"), ("LeftToes", "l_foot"),
            })
            {
                Same(bone, joint, smpl);
            }
            Skeleton mixamo = Made.Body(
                ("mixamorig:Hips", -1, 0, 1, 0), ("mixamorig:Spine", 0, 0, .1f, 0), ("mixamorig:Neck", 1, 0, .1f, 0),
                ("mixamorig:LeftShoulder", 1, .1f, 0, 0), ("mixamorig:LeftArm", 3, .1f, 0, 0), ("mixamorig:LeftForeArm",
                    4, .2f, 0, 0),
                ("mixamorig:RightUpLeg", 0, -.1f, 0, 0), ("mixamorig:RightLeg", 6, 0, -.4f, 0), ("mixamorig:RightFoot",
                    7, 0, -.4f, 0));
            Same("LeftShoulder", "mixamorig:LeftShoulder", mixamo);
            Same("LeftUpperArm", "mixamorig:LeftArm", mixamo);
            Same("RightUpperLeg", "mixamorig:RightUpLeg", mixamo);
            Same("RightLowerLeg", "mixamorig:RightLeg", mixamo);
        }

        [Test]
        public static void ATableGoesBeforeWhatIsFound()
        {
            Dictionary<string, int> found = HumanBones.Find(Figure, "# mine\nneck, Head\nnowhere, Hips\n");
            Check.Equal("neck", Figure.Joints[found["Head"]], "the head");
            Check.Equal("hips", Figure.Joints[found["Hips"]], "a joint of another skeleton is passed over");
            string said = Check.Throws<FormatException>(() => HumanBones.Find(Figure, "neck, Kopf"));
            Check.That(said.Contains("line 1") && said.Contains("UpperChest"), said);
        }

        [Test]
        public static void XIsMirrored()
        {
            Check.Near(new Vector3(-1, 2, 3), Turn.ToUnity(new Vector3(1, 2, 3)), 0, "a place");
            var random = new Random(2);
            for (int round = 0; round < 50; round++)
            {
                Quaternion turn = Any(random);
                var place = new Vector3((float)random.NextDouble(), (float)random.NextDouble(),
                    (float)random.NextDouble());
                Vector3 there = Vector3.Transform(Turn.ToUnity(place), Turn.ToUnity(turn));
                Check.Near(Turn.ToUnity(Vector3.Transform(place, turn)), there, 1e-5f,
                    "turned and mirrored, or mirrored and turned");
            }
        }

        [Test]
        public static void ADirectionIsTurnedToAnother()
        {
            foreach (Vector3 to in new[] { Vector3.UnitX, Vector3.UnitY, -Vector3.UnitZ, Vector3.UnitZ, new Vector3(1,
                -2, .5f) })
            {
                Vector3 got = Vector3.Transform(2 * Vector3.UnitZ, Turn.Between(2 * Vector3.UnitZ, 5 * to));
                Check.Near(2 * Vector3.Normalize(to), got, 1e-4f, $"to {to}");
            }
            Check.Equal(Quaternion.Identity, Turn.Between(Vector3.Zero, Vector3.UnitX), "of no length");
        }

        [Test]
        public static void TurnsAreReadFromPlacesAndFromQuaternions()
        {
            var random = new Random(4);
            for (int round = 0; round < 30; round++)
            {
                var local = Figure.Joints.Select(_ => Quaternion.Slerp(Quaternion.Identity, Any(random),
                    0.4f)).ToArray();
                var pose = new BodyPose(Figure);
                pose.ReadQuaternions(local.SelectMany(each => new[] { each.X, each.Y, each.Z, each.W }).ToArray());
                Vector3[] places = Places(Figure, pose.Turns, new Vector3(0.3f, 0.9f, -0.2f));
                var seen = new BodyPose(Figure);
                seen.ReadJoints(places.SelectMany(each => new[] { each.X, each.Y, each.Z }).ToArray());
                Check.Near(places[0], seen.Root, 1e-6f, "root");
                Vector3[] again = Places(Figure, seen.Turns, places[0]);
                for (int joint = 0; joint < places.Length; joint++)
                {
                    Check.Near(places[joint], again[joint], 2e-3f, Figure.Joints[joint]);
                }
                Check.Near(1, Math.Abs(Quaternion.Dot(pose.Turns[0], seen.Turns[0])), 1e-4, "the hips, whole");
            }
        }

        [Test]
        public static void MarkersMoveNoBones()
        {
            Skeleton markers = Made.Body(("a", -1, 0, 0, 0), ("b", -1, 0, 1, 0));
            string said = Check.Throws<ArgumentException>(() => new BodyPose(markers).ToString());
            Check.That(said.Contains("markers"), said);
        }

        [Test]
        public static void AnArmPointsWhereItPointedWhateverTheAvatarsRest()
        {
            // the avatar rests in an A, with bone axes of its own; the engine's figure raises its left arm ahead
            var avatar = new List<RestBone>
            {
                new RestBone("Hips", new Vector3(0, 1.2f, 0), Quaternion.Identity),
                new RestBone("LeftUpperArm", new Vector3(-0.2f, 1.7f, 0), Any(new Random(5))),
                new RestBone("LeftLowerArm", new Vector3(-0.4f, 1.5f, 0), Any(new Random(6))),
                new RestBone("LeftHand", new Vector3(-0.6f, 1.3f, 0), Any(new Random(7))),
            };
            var local = Enumerable.Repeat(Quaternion.Identity, Figure.Joints.Length).ToArray();
            local[5] = Quaternion.CreateFromAxisAngle(Vector3.UnitY, -Quarter); // from +X to +Z
            var pose = new BodyPose(Figure);
            pose.ReadQuaternions(local.SelectMany(each => new[] { each.X, each.Y, each.Z, each.W }).ToArray());
            var retargeter = new Retargeter(Figure, avatar);
            retargeter.Apply(pose, false);
            foreach ((string bone, int rest, int end) in new[] { ("LeftUpperArm", 1, 2), ("LeftLowerArm", 2, 3) })
            {
                Vector3 along = Vector3.Normalize(avatar[end].Position - avatar[rest].Position);
                Vector3 own = Vector3.Transform(along, Quaternion.Conjugate(avatar[rest].Rotation));
                Quaternion turned = retargeter.Rotations[Array.IndexOf(retargeter.Bones, bone)];
                Check.Near(Vector3.UnitZ, Vector3.Transform(own, turned), 1e-3f, bone + " points ahead");
            }
            Check.Near(1, Math.Abs(retargeter.Rotations[0].W), 1e-5, "hips as at rest");
            Check.Near(avatar[0].Position, retargeter.HipsPosition, 0, "and where they were");
        }

        [Test]
        public static void TheBodyTurnsAndWalksAsTheEngines()
        {
            Quaternion rest = Any(new Random(8));
            var avatar = new List<RestBone>
            {
                new RestBone("Hips", new Vector3(0, 1.9f, 0), rest), new RestBone("Chest", new Vector3(0, 2.2f, 0),
                    rest),
            };
            var pose = new BodyPose(Figure);
            // the figure turns to its left by a quarter: it then faces +X here, and Unity's -X there
            Vector3[] places = Places(Figure, Enumerable.Repeat(Quaternion.CreateFromAxisAngle(Vector3.UnitY, Quarter),
                12).ToArray(),
                new Vector3(0.5f, 0.95f, 0.25f));
            pose.ReadJoints(places.SelectMany(each => new[] { each.X, each.Y, each.Z }).ToArray());
            var retargeter = new Retargeter(Figure, avatar);
            retargeter.Apply(pose, true);
            Vector3 ahead = Vector3.Transform(Vector3.UnitZ, Quaternion.Conjugate(rest));
            Check.Near(-Vector3.UnitX, Vector3.Transform(ahead, retargeter.Rotations[0]), 1e-3f, "to its own left");
            Check.Near(new Vector3(-0.95f, 1.805f, 0.475f), retargeter.HipsPosition, 1e-3f,
                "hips 1.9 m high for 1.0 m: scaled");
            Check.Equal("Hips Chest", string.Join(" ", retargeter.Bones),
                "the chest goes with the only joint of the trunk");
        }

        [Test]
        public static void TheHeadTurnsAsThePersonWould()
        {
            string[] names = ShapePresets.Arkit.Concat(new[] { "headPitch", "headYaw", "headRoll", "headX", "headY",
                "headZ" }).ToArray();
            var head = new HeadPose(names);
            Vector3 Nose(string name) => Vector3.Transform(Vector3.UnitZ, head.Rotation(With(names, name, 0.5f)));
            Check.That(Nose("headPitch").Y < -0.4, "positive pitch looks down");
            Check.That(Nose("headYaw").X < -0.4, "positive yaw looks to the own left, which is -X in Unity");
            Vector3 top = Vector3.Transform(Vector3.UnitY, head.Rotation(With(names, "headRoll", 0.5f)));
            Check.That(top.X > 0.4, "positive roll tilts the top of the head to the own right");
            Check.Near(new Vector3(-0.5f, 0, 0), head.Position(With(names, "headX", 0.5f)), 0, "place");
            Vector3 Eye(string name, bool isLeft) => Vector3.Transform(Vector3.UnitZ, head.Eye(With(names, name, 1),
                isLeft, 0.5f));
            Check.That(Eye("eyeLookOutLeft", true).X < -0.4 && Eye("eyeLookInRight", false).X < -0.4,
                "both to the own left");
            Check.That(Eye("eyeLookInLeft", true).X > 0.4 && Eye("eyeLookOutRight", false).X > 0.4,
                "both to the own right");
            Check.That(Eye("eyeLookUpLeft", true).Y > 0.4 && Eye("eyeLookDownRight", false).Y < -0.4, "up and down");
        }

        private static float[] With(string[] names, string name, float value)
        {
            var values = new float[names.Length];
            values[Array.IndexOf(names, name)] = value;
            return values;
        }

        private static void Same(string bone, string joint, Skeleton skeleton)
        {
            Dictionary<string, int> found = HumanBones.Find(skeleton);
            Check.That(found.ContainsKey(bone), $"{bone} is found");
            Check.Equal(joint, skeleton.Joints[found[bone]], bone);
        }

        private static Vector3[] Places(Skeleton skeleton, Quaternion[] turns, Vector3 root)
        {
            var at = new Vector3[turns.Length];
            for (int joint = 0; joint < at.Length; joint++)
            {
                int parent = skeleton.Parents[joint];
                at[joint] = parent < 0 ? root : at[parent] + Vector3.Transform(skeleton.Rest[joint], turns[parent]);
            }
            return at;
        }

        private static Quaternion Any(Random random) => Quaternion.Normalize(new Quaternion(
            (float)random.NextDouble() - 0.5f, (float)random.NextDouble() - 0.5f, (float)random.NextDouble() - 0.5f,
            (float)random.NextDouble() - 0.5f));
    }
}
