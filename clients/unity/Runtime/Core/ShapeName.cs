// Names of blendshapes as artists write them, made comparable: "blendShape1.eyeBlink_L", "EyeBlinkLeft" and
// "eyeBlinkLeft" are one shape.
using System.Text;

namespace ReactionEngine
{
    public static class ShapeName
    {
        /// <summary>Lower case, without what stands before the last dot, without separators, sides in full.</summary>
        public static string Plain(string name)
        {
            string own = name.Substring(name.LastIndexOf('.') + 1);
            string side = Side(own, out int length);
            var plain = new StringBuilder();
            foreach (char sign in own.Substring(0, length))
            {
                if (char.IsLetterOrDigit(sign))
                {
                    plain.Append(char.ToLowerInvariant(sign));
                }
            }
            return plain.Append(side).ToString();
        }

        /// <summary>The side that a name ends with, and the length of the name before it. A letter counts as a side
        /// behind a separator, or as a capital behind a small letter.</summary>
        private static string Side(string name, out int length)
        {
            length = name.Length;
            if (name.Length < 3)
            {
                return "";
            }
            char end = name[name.Length - 1], before = name[name.Length - 2];
            bool isSeparated = before == '_' || before == '-' || before == ' ';
            bool isCapital = char.IsLower(before) && char.IsUpper(end);
            char side = char.ToLowerInvariant(end);
            if (!(isSeparated || isCapital) || side != 'l' && side != 'r')
            {
                return "";
            }
            length = name.Length - 1;
            return side == 'l' ? "left" : "right";
        }
    }
}
