// Which blendshapes a channel of the face drives, and how much: a table that a user can edit, one line for each pair.
//
//     # channel, shape, weight
//     mouthSmileLeft, Joy, 0.5
//
// A shape is the sum of its lines, from 0 to 1. A weight may be negative: "aa" is an open jaw that is not rounded.
using System;
using System.Collections.Generic;
using System.Globalization;

namespace ReactionEngine
{
    /// <summary>One line: a weight from a channel of the engine to a blendshape of the avatar.</summary>
    public readonly struct ShapeLine
    {
        public readonly string Channel;
        public readonly string Shape;
        public readonly float Weight;

        public ShapeLine(string channel, string shape, float weight)
        {
            Channel = channel;
            Shape = shape;
            Weight = weight;
        }
    }

    /// <summary>A table of names. Reading it throws <see cref="FormatException"/> with the number of the
    /// line.</summary>
    public sealed class ShapeTable
    {
        private const float Heaviest = 10;
        private readonly List<ShapeLine> lines = new List<ShapeLine>();

        public IReadOnlyList<ShapeLine> Lines => lines;

        public void Add(string channel, string shape, float weight) => lines.Add(new ShapeLine(channel, shape, weight));

        /// <summary>Reads lines of "channel, shape, weight"; the weight is 1 where it is left out.</summary>
        public static ShapeTable Parse(string text)
        {
            var table = new ShapeTable();
            string[] rows = text.Split('\n');
            for (int row = 0; row < rows.Length; row++)
            {
                string line = rows[row].Split('#')[0].Trim().TrimStart('\uFEFF');
                if (line.Length == 0)
                {
                    continue;
                }
                string[] cells = line.Split(',', ';', '\t');
                float weight = 1;
                bool isRead = cells.Length < 3 || float.TryParse(
                    cells[2].Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out weight);
                string channel = cells[0].Trim(), shape = cells.Length > 1 ? cells[1].Trim() : "";
                if (row == 0 && string.Equals(channel, "channel", StringComparison.OrdinalIgnoreCase))
                {
                    continue; // the head of the table, as spreadsheets write it
                }
                if (cells.Length < 2 || cells.Length > 3 || channel.Length == 0 || shape.Length == 0)
                {
                    throw new FormatException(
                        $"table of shapes, line {row + 1}: \"{line}\"; write channel, shape, weight");
                }
                if (!isRead || !(Math.Abs(weight) <= Heaviest))
                {
                    throw new FormatException(
                        $"table of shapes, line {row + 1}: weight \"{cells[2].Trim()}\"; "
                        + $"it is a number from -{Heaviest} to {Heaviest}, with a point");
                }
                table.Add(channel, shape, weight);
            }
            return table;
        }

        /// <summary>The table as text that <see cref="Parse"/> reads: for a file to edit.</summary>
        public string ToText()
        {
            var text = new System.Text.StringBuilder("channel,shape,weight\n");
            foreach (ShapeLine line in lines)
            {
                text.Append(line.Channel).Append(',').Append(line.Shape).Append(',')
                    .Append(line.Weight.ToString("0.###", CultureInfo.InvariantCulture)).Append('\n');
            }
            return text.ToString();
        }

        /// <summary>How many different shapes of the table a mesh has.</summary>
        public int Hits(IEnumerable<string> shapes)
        {
            var there = new HashSet<string>();
            foreach (string shape in shapes)
            {
                there.Add(ShapeName.Plain(shape));
            }
            var hit = new HashSet<string>();
            foreach (ShapeLine line in lines)
            {
                string plain = ShapeName.Plain(line.Shape);
                if (there.Contains(plain))
                {
                    hit.Add(plain);
                }
            }
            return hit.Count;
        }
    }

    /// <summary>A table made ready for one stream and one list of shapes; nothing is looked up or allocated later.
    /// </summary>
    public sealed class ShapeMap
    {
        private readonly int[] sources;
        private readonly int[] targets;
        private readonly float[] weights;

        /// <summary>For the numbers of a stream, <paramref name="channels"/>, and the shapes of an avatar. Shapes are
        /// found by name as <see cref="ShapeName"/> compares them; of two that are alike the first counts.</summary>
        public ShapeMap(ShapeTable table, IReadOnlyList<string> channels, IReadOnlyList<string> shapes)
        {
            Dictionary<string, int> channel = Indexed(channels), shape = Indexed(shapes);
            var source = new List<int>();
            var target = new List<int>();
            var weight = new List<float>();
            var driven = new SortedSet<int>();
            var absent = new SortedSet<string>(StringComparer.Ordinal);
            foreach (ShapeLine line in table.Lines)
            {
                bool isHeard = channel.TryGetValue(ShapeName.Plain(line.Channel), out int from);
                bool isThere = shape.TryGetValue(ShapeName.Plain(line.Shape), out int to);
                if (isHeard && isThere)
                {
                    source.Add(from);
                    target.Add(to);
                    weight.Add(line.Weight);
                    driven.Add(to);
                }
                else
                {
                    absent.Add(isHeard ? line.Shape : line.Channel);
                }
            }
            sources = source.ToArray();
            targets = target.ToArray();
            weights = weight.ToArray();
            Driven = new int[driven.Count];
            driven.CopyTo(Driven);
            Absent = new List<string>(absent).AsReadOnly();
        }

        /// <summary>Indices of the shapes that the map drives; all others stay as they are.</summary>
        public int[] Driven { get; }

        /// <summary>Names of the table that the stream or the avatar does not have.</summary>
        public IReadOnlyList<string> Absent { get; }

        /// <summary>Weights from 0 to 1 by shape, (shapes), for the numbers of a stream; others are left
        /// alone.</summary>
        public void Apply(float[] values, float[] into)
        {
            foreach (int shape in Driven)
            {
                into[shape] = 0;
            }
            for (int line = 0; line < sources.Length; line++)
            {
                into[targets[line]] += weights[line] * values[sources[line]];
            }
            foreach (int shape in Driven)
            {
                into[shape] = Math.Min(Math.Max(into[shape], 0), 1);
            }
        }

        private static Dictionary<string, int> Indexed(IReadOnlyList<string> names)
        {
            var found = new Dictionary<string, int>();
            for (int index = 0; index < names.Count; index++)
            {
                string plain = ShapeName.Plain(names[index]);
                if (!found.ContainsKey(plain))
                {
                    found.Add(plain, index);
                }
            }
            return found;
        }
    }
}
