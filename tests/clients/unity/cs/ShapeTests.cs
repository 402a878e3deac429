// Names of blendshapes, tables and presets.
using System;
using System.Collections.Generic;
using System.Linq;

namespace ReactionEngine.Tests
{
    public static class ShapeTests
    {
        private static readonly string[] Channels = ShapePresets.Arkit.Concat(new[]
        {
            "headPitch", "headYaw", "headRoll", "headX", "headY", "headZ",
        }).ToArray();

        [Test]
        public static void NamesAreComparedWithoutTheirWriting()
        {
            foreach (string name in new[] { "eyeBlinkLeft", "EyeBlinkLeft", "eyeBlink_L", "face.eyeBlink_L",
                "Eye_Blink_Left", "eyeBlinkL" })
            {
                Check.Equal("eyeblinkleft", ShapeName.Plain(name), name);
            }
            Check.Equal("mouthright", ShapeName.Plain("mouth_R"), "mouth_R");
            Check.Equal("viseme" + "rr", ShapeName.Plain("viseme_RR"), "no side");
            Check.Equal("a", ShapeName.Plain("A"), "a letter");
            Check.Equal("jawopen", ShapeName.Plain("jawOpen"), "no side either");
            Check.That(ShapeName.Plain("mouthLeft") != ShapeName.Plain("mouthRight"), "sides are told apart");
        }

        [Test]
        public static void ArkitNamesDriveTheirOwnShapeAlone()
        {
            var map = new ShapeMap(ShapePresets.Table(ShapePreset.Arkit), Channels,
                ShapePresets.Arkit.Reverse().ToArray());
            Check.Equal("52 0", $"{map.Driven.Length} {map.Absent.Count}", "all 52");
            var weights = new float[52];
            map.Apply(One("mouthSmileLeft", 0.7f), weights);
            int at = Array.IndexOf(ShapePresets.Arkit.Reverse().ToArray(), "mouthSmileLeft");
            Check.Near(0.7, weights[at], 1e-6, "its shape");
            Check.Near(0.7, weights.Sum(), 1e-6, "no other");
        }

        [Test]
        public static void ShapesThatAreNotDrivenStayAsTheyAre()
        {
            var map = new ShapeMap(ShapePresets.Table(ShapePreset.Arkit), Channels, new[] { "body_fat", "jawOpen" });
            var weights = new[] { 0.3f, 0.9f };
            map.Apply(One("jawOpen", 0.25f), weights);
            Check.Equal("0.3 0.25", FormattableString.Invariant($"{weights[0]} {weights[1]}"), "weights");
            Check.That(map.Absent.Contains("browInnerUp") && !map.Absent.Contains("jawOpen"),
                "what the avatar has not");
        }

        [Test]
        public static void WeightsAreSummedAndLieBetweenNoneAndAll()
        {
            ShapeTable table = ShapeTable.Parse("jawOpen,x,2\nmouthPucker,x,-1\r\n# a line of words\nmouthClose;y\n");
            var map = new ShapeMap(table, Channels, new[] { "x", "y" });
            var weights = new float[2];
            map.Apply(Two("jawOpen", 0.4f, "mouthPucker", 0.3f), weights);
            Check.Near(0.5, weights[0], 1e-6, "2 x 0.4 - 0.3");
            map.Apply(One("jawOpen", 0.9f), weights);
            Check.Equal(1f, weights[0], "not above 1");
            map.Apply(One("mouthPucker", 0.9f), weights);
            Check.Equal(0f, weights[0], "not below 0");
            map.Apply(One("mouthClose", 0.6f), weights);
            Check.Near(0.6, weights[1], 1e-6, "a weight of 1 where none is written");
        }

        [Test]
        public static void TablesThatCannotBeReadNameTheLine()
        {
            foreach (string wrong in new[] { "jawOpen", "jawOpen,,1", ",x,1", "a,b,c", "a,b,1,2", "a,b,1e9",
                "a,b,NaN" })
            {
                string said = Check.Throws<FormatException>(() => ShapeTable.Parse("channel,shape,weight\n" + wrong),
                    wrong);
                Check.That(said.Contains("line 2"), said);
            }
            ShapeTable table = ShapePresets.Table(ShapePreset.Vrm1);
            ShapeTable again = ShapeTable.Parse(table.ToText());
            Check.That(table.Lines.Count == again.Lines.Count && table.Lines.Zip(again.Lines, Same).All(same => same),
                "as written");
        }

        [Test]
        public static void ThePresetIsThatOfTheAvatar()
        {
            Check.Equal(ShapePreset.Arkit, Chosen(ShapePresets.Arkit.Select(name => "Head." + name)), "perfect sync");
            Check.Equal(ShapePreset.Arkit, Chosen(ShapePresets.Arkit.Concat(Shapes(ShapePreset.Vrm1))), "both");
            foreach (ShapePreset preset in new[] { ShapePreset.Vrm1, ShapePreset.Vrm0, ShapePreset.VRoid,
                ShapePreset.Oculus })
            {
                Check.Equal(preset, Chosen(Shapes(preset)), preset.ToString());
            }
            Check.That(!ShapePresets.Choose(new[] { "fat", "thin", "A" }, out _), "an avatar without a face");
        }

        [Test]
        public static void EveryPresetSpeaksOfChannelsThatThereAre()
        {
            foreach (ShapePreset preset in Enum.GetValues(typeof(ShapePreset)))
            {
                ShapeTable table = ShapePresets.Table(preset);
                var map = new ShapeMap(table, Channels, Shapes(preset).ToArray());
                Check.That(map.Absent.Count == 0, $"{preset}: {string.Join(" ", map.Absent)}");
            }
        }

        [Test]
        public static void ExpressionsFollowTheFace()
        {
            Check.Near(1, Weight(ShapePreset.Vrm1, "happy", Two("mouthSmileLeft", 1, "mouthSmileRight", 1)), 1e-6,
                "a smile");
            Check.Near(0, Weight(ShapePreset.Vrm1, "sad", Two("mouthSmileLeft", 1, "mouthSmileRight", 1)), 1e-6,
                "is not sad");
            Check.Near(1, Weight(ShapePreset.Vrm0, "Blink_L", One("eyeBlinkLeft", 1)), 1e-6, "a blink");
            Check.Near(0, Weight(ShapePreset.Vrm0, "Blink_R", One("eyeBlinkLeft", 1)), 1e-6, "of one eye");
            Check.Near(1, Weight(ShapePreset.Vrm1, "lookLeft", Two("eyeLookOutLeft", 1, "eyeLookInRight", 1)), 1e-6,
                "looks");
            float open = Weight(ShapePreset.Oculus, "viseme_aa", One("jawOpen", 0.6f));
            float rounded = Weight(ShapePreset.Oculus, "viseme_aa", Two("jawOpen", 0.6f, "mouthPucker", 0.8f));
            Check.That(open > 0.7 && rounded < 0.4, $"an open mouth is aa ({open}), a rounded one less ({rounded})");
            Check.That(Weight(ShapePreset.Oculus, "viseme_U", One("mouthPucker", 0.8f)) > 0.6, "but U");
        }

        private static bool Same(ShapeLine one, ShapeLine other) =>
            one.Channel == other.Channel && one.Shape == other.Shape && Math.Abs(one.Weight - other.Weight) < 1e-3;

        private static IEnumerable<string> Shapes(ShapePreset preset) =>
            ShapePresets.Table(preset).Lines.Select(line => line.Shape).Distinct();

        private static ShapePreset Chosen(IEnumerable<string> shapes)
        {
            Check.That(ShapePresets.Choose(shapes.ToArray(), out ShapePreset chosen), "one is found");
            return chosen;
        }

        private static float Weight(ShapePreset preset, string shape, float[] values)
        {
            var weights = new float[1];
            new ShapeMap(ShapePresets.Table(preset), Channels, new[] { shape }).Apply(values, weights);
            return weights[0];
        }

        private static float[] One(string name, float weight) => Two(name, weight, name, weight);

        private static float[] Two(string name, float weight, string other, float more)
        {
            var values = new float[Channels.Length];
            values[Array.IndexOf(Channels, name)] = weight;
            values[Array.IndexOf(Channels, other)] = more;
            return values;
        }
    }
}
