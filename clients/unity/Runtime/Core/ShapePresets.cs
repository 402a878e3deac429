// Tables of names for the faces that people have. ARKit's 52 names are Apple's (ARFaceAnchor.BlendShapeLocation), the
// expressions of VRM 1.0 and 0.x those of the VRM specification, the visemes those of Oculus LipSync, the Fcl_ names
// those that VRoid Studio writes. How much of which channel makes an expression or a viseme is our choice: edit it.
using System.Collections.Generic;

namespace ReactionEngine
{
    public enum ShapePreset
    {
        /// <summary>The table that finds most shapes on the avatar.</summary>
        Auto,
        Arkit,
        Vrm1,
        Vrm0,
        VRoid,
        Oculus,
    }

    public static class ShapePresets
    {
        /// <summary>ARKit's 52 in alphabetical order, as the engine's face stream begins.</summary>
        public static readonly string[] Arkit =
        {
            "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff",
            "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft",
            "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight",
            "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight",
            "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose", "mouthDimpleLeft", "mouthDimpleRight",
            "mouthFrownLeft", "mouthFrownRight", "mouthFunnel", "mouthLeft", "mouthLowerDownLeft",
            "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRight", "mouthRollLower",
            "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight",
            "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft",
            "noseSneerRight", "tongueOut",
        };

        /// <summary>Expressions of VRM 1.0; "*" stands for both sides, each with the weight.</summary>
        private const string Expressions = @"
mouthSmile*,happy,0.5
browDown*,angry,0.4
noseSneer*,angry,0.2
mouthFrown*,sad,0.4
browInnerUp,sad,0.3
browOuterUp*,surprised,0.35
eyeWide*,surprised,0.25
eyeBlinkLeft,blinkLeft,1
eyeBlinkRight,blinkRight,1
eyeLookUp*,lookUp,0.5
eyeLookDown*,lookDown,0.5
eyeLookOutLeft,lookLeft,0.5
eyeLookInRight,lookLeft,0.5
eyeLookOutRight,lookRight,0.5
eyeLookInLeft,lookRight,0.5
jawOpen,aa,1.4
mouthPucker,aa,-0.7
mouthFunnel,aa,-0.7
mouthStretch*,ih,0.5
mouthPucker,ou,0.9
mouthUpperUp*,ee,0.3
mouthDimple*,ee,0.3
mouthFunnel,oh,0.9
";

        /// <summary>Visemes of Oculus LipSync, from what the lips do; eyes have no names there.</summary>
        private const string Visemes = @"
mouthPress*,viseme_PP,0.5
mouthClose,viseme_PP,0.6
mouthRollLower,viseme_FF,0.8
tongueOut,viseme_TH,1
mouthLowerDown*,viseme_DD,0.25
mouthShrugUpper,viseme_kk,0.4
mouthStretch*,viseme_SS,0.35
mouthFunnel,viseme_CH,0.5
mouthUpperUp*,viseme_nn,0.25
mouthShrugLower,viseme_RR,0.3
jawOpen,viseme_aa,1.3
mouthPucker,viseme_aa,-0.6
mouthFunnel,viseme_aa,-0.6
mouthDimple*,viseme_E,0.4
mouthStretch*,viseme_I,0.4
mouthFunnel,viseme_O,0.8
mouthPucker,viseme_U,0.9
mouthStretch*,viseme_ih,0.4
mouthFunnel,viseme_oh,0.8
mouthPucker,viseme_ou,0.9
";

        private static readonly Dictionary<string, string> Vrm0Names = new Dictionary<string, string>
        {
            { "happy", "Joy" }, { "angry", "Angry" }, { "sad", "Sorrow" }, { "surprised", "Surprised" },
            { "blinkLeft", "Blink_L" }, { "blinkRight", "Blink_R" },
            { "lookUp", "LookUp" }, { "lookDown", "LookDown" }, { "lookLeft", "LookLeft" }, { "lookRight",
                "LookRight" },
            { "aa", "A" }, { "ih", "I" }, { "ou", "U" }, { "ee", "E" }, { "oh", "O" },
        };

        private static readonly Dictionary<string, string> VRoidNames = new Dictionary<string, string>
        {
            { "happy", "Fcl_MTH_Joy" }, { "angry", "Fcl_BRW_Angry" }, { "sad", "Fcl_BRW_Sorrow" },
            { "surprised", "Fcl_BRW_Surprised" }, { "blinkLeft", "Fcl_EYE_Close_L" },
            { "blinkRight", "Fcl_EYE_Close_R" }, { "aa", "Fcl_MTH_A" }, { "ih", "Fcl_MTH_I" },
            { "ou", "Fcl_MTH_U" }, { "ee", "Fcl_MTH_E" }, { "oh", "Fcl_MTH_O" },
        };

        /// <summary>The table of a preset. <see cref="ShapePreset.Auto"/>: that of ARKit.</summary>
        public static ShapeTable Table(ShapePreset preset)
        {
            switch (preset)
            {
                case ShapePreset.Vrm1:
                    return ShapeTable.Parse(BothSides(Expressions));
                case ShapePreset.Vrm0:
                    return Renamed(Vrm0Names);
                case ShapePreset.VRoid:
                    return Renamed(VRoidNames);
                case ShapePreset.Oculus:
                    return ShapeTable.Parse(BothSides(Visemes));
                default:
                    var table = new ShapeTable();
                    foreach (string name in Arkit)
                    {
                        table.Add(name, name, 1);
                    }
                    return table;
            }
        }

        /// <summary>The preset that finds most shapes on an avatar; false where none finds three. An avatar with
        /// ARKit's
        /// shapes is driven by those, whatever else it has.</summary>
        public static bool Choose(IReadOnlyCollection<string> shapes, out ShapePreset chosen)
        {
            int most = 2;
            chosen = ShapePreset.Arkit;
            if (Table(ShapePreset.Arkit).Hits(shapes) >= Arkit.Length / 2)
            {
                return true;
            }
            foreach (ShapePreset preset in new[]
            {
                ShapePreset.Arkit, ShapePreset.Vrm1, ShapePreset.Vrm0, ShapePreset.VRoid, ShapePreset.Oculus,
            })
            {
                int hits = Table(preset).Hits(shapes);
                if (hits > most)
                {
                    most = hits;
                    chosen = preset;
                }
            }
            return most > 2;
        }

        private static string BothSides(string text)
        {
            var whole = new System.Text.StringBuilder();
            foreach (string line in text.Split('\n'))
            {
                if (line.Contains("*"))
                {
                    whole.Append(line.Replace("*", "Left")).Append('\n');
                    whole.Append(line.Replace("*", "Right")).Append('\n');
                }
                else
                {
                    whole.Append(line).Append('\n');
                }
            }
            return whole.ToString();
        }

        private static ShapeTable Renamed(Dictionary<string, string> names)
        {
            var table = new ShapeTable();
            foreach (ShapeLine line in Table(ShapePreset.Vrm1).Lines)
            {
                if (names.TryGetValue(line.Shape, out string name))
                {
                    table.Add(line.Channel, name, line.Weight);
                }
            }
            return table;
        }
    }
}
