// What an engine says of its session: streams with names, units and codecs, skeletons, controls. It comes once a second
// over ZeroMQ and once over WebSocket; anything that does not fit is refused in words.
using System;
using System.Collections.Generic;
using System.Numerics;

namespace ReactionEngine
{
    /// <summary>One announced stream. <see cref="Codec"/> says how its values are to be understood.</summary>
    public sealed class StreamInfo
    {
        public ushort Number;
        public string Name;
        public string Codec;
        public string Kind;
        public string Of;
        public string[] Names;
        public string[] Units;
        public uint Layout;
        public string Skeleton;
        public double Rate;
        public string Bundle;

        public bool IsOutput => Kind == "output";
    }

    /// <summary>A body: right-handed, Y up, metres; at rest it faces +Z with its left at +X. <see cref="Rest"/> holds
    /// offsets to the parent (a position where there is none); parents stand before their children.</summary>
    public sealed class Skeleton
    {
        public string Name;
        public string[] Joints;
        public int[] Parents;
        public Vector3[] Rest;

        /// <summary>Whether rotations move it: one root, all others hang on it. Markers are no tree.</summary>
        public bool IsTree
        {
            get
            {
                int roots = 0;
                foreach (int parent in Parents)
                {
                    roots += parent < 0 ? 1 : 0;
                }
                return roots == 1;
            }
        }

        /// <summary>Positions in the rest pose, (joints).</summary>
        public Vector3[] RestPositions()
        {
            var at = (Vector3[])Rest.Clone();
            for (int joint = 0; joint < at.Length; joint++)
            {
                at[joint] += Parents[joint] >= 0 ? at[Parents[joint]] : Vector3.Zero;
            }
            return at;
        }
    }

    /// <summary>A control that can be set while the engine runs (over WebSocket: <see
    /// cref="WebSocketTransport"/>).</summary>
    public sealed class Control
    {
        public string Name;
        public double Low;
        public double High;
        public string[] Choices;
    }

    /// <summary>All that an engine announces. Immutable: another one takes its place.</summary>
    public sealed class Announcement
    {
        private const int Most = 1024;
        private const int MostChannels = 0xFFFF;

        public uint Session;
        public double Rate;
        public string Bundle;
        public StreamInfo[] Streams;
        public Control[] Controls;
        public Dictionary<string, Skeleton> Skeletons;

        /// <summary>Whether this session is being recorded: shown to whoever is in front of the avatar.</summary>
        public bool IsRecording;

        /// <summary>The first output of a codec, or of a codec and a bundle; null where there is none.</summary>
        public StreamInfo Find(string codec, string bundle = "")
        {
            StreamInfo found = null;
            foreach (StreamInfo each in Streams)
            {
                bool fits = each.IsOutput && each.Codec == codec && (bundle.Length == 0 || each.Bundle == bundle);
                if (fits && (found == null || each.Number < found.Number))
                {
                    found = each;
                }
            }
            return found;
        }

        /// <summary>Whether the other has the same session, streams and skeletons; controls may differ.</summary>
        public bool LastsAs(Announcement other)
        {
            if (other.Session != Session || other.Bundle != Bundle || other.Streams.Length != Streams.Length)
            {
                return false;
            }
            for (int index = 0; index < Streams.Length; index++)
            {
                StreamInfo mine = Streams[index], its = other.Streams[index];
                if (mine.Number != its.Number || mine.Layout != its.Layout || mine.Codec != its.Codec
                    || mine.Kind != its.Kind || mine.Bundle != its.Bundle || mine.Skeleton != its.Skeleton)
                {
                    return false;
                }
            }
            foreach (KeyValuePair<string, Skeleton> each in Skeletons)
            {
                if (!other.Skeletons.TryGetValue(each.Key, out Skeleton its) || !AreSame(each.Value, its))
                {
                    return false;
                }
            }
            return other.Skeletons.Count == Skeletons.Count;
        }

        /// <summary>From parsed JSON of any shape. Throws <see cref="FormatException"/> naming what cannot be used.
        /// </summary>
        public static Announcement Read(Json told)
        {
            if (told == null || !told.IsObject || told["streams"] == null)
            {
                throw new FormatException("it answers without streams: is it an engine?");
            }
            if (told["streams"].Items.Count == 0)
            {
                throw new FormatException("the engine has no session of its own (yet), only such of network clients");
            }
            double rate = Needed(told, "rate").Number(1, 1000, "rate");
            string bundle = told["bundle"] == null ? "?" : told["bundle"].Text;
            var made = new Announcement
            {
                Session = (uint)Needed(told, "session").Whole(0, uint.MaxValue, "session"),
                Rate = rate,
                Bundle = bundle,
                Streams = Each(told["streams"], Most, "streams", each => ReadStream(each, rate, bundle)),
                Controls = Each(told["controls"], Most, "controls", ReadControl),
                Skeletons = new Dictionary<string, Skeleton>(),
                IsRecording = told["recording"] != null && told["recording"].IsText
                    && told["recording"].Text.Length > 0,
            };
            var numbers = new HashSet<int>();
            foreach (StreamInfo stream in made.Streams)
            {
                if (!numbers.Add(stream.Number))
                {
                    throw new FormatException($"announced: two streams have the number {stream.Number}");
                }
            }
            if (told["skeletons"] != null)
            {
                foreach (KeyValuePair<string, Json> each in told["skeletons"].Members)
                {
                    made.Skeletons[each.Key] = ReadSkeleton(each.Value);
                }
            }
            return made;
        }

        private static StreamInfo ReadStream(Json told, double rate, string bundle)
        {
            string name = Needed(told, "name").Text;
            if (told["codec"] == null)
            {
                throw new FormatException($"stream {name} has no codec: the engine is older than this client");
            }
            string kind = Needed(told, "kind").Text;
            var made = new StreamInfo
            {
                Number = (ushort)Needed(told, "stream").Whole(0, ushort.MaxValue, "number of stream " + name),
                Name = name,
                Codec = told["codec"].Text,
                Kind = kind,
                Of = told["of"] == null ? (kind == "output" ? "self" : "partner") : told["of"].Text,
                Names = Texts(Needed(told, "names"), MostChannels, "names of " + name),
                Units = Texts(told["units"], MostChannels, "units of " + name),
                Layout = (uint)Needed(told, "layout").Whole(0, uint.MaxValue, "layout of " + name),
                Skeleton = told["skeleton"] == null || told["skeleton"].IsNull ? "" : told["skeleton"].Text,
                Rate = told["rate"] == null ? rate : told["rate"].Number(1, 1000, "rate of " + name),
                Bundle = told["bundle"] == null ? bundle : told["bundle"].Text,
            };
            uint hash = Wire.LayoutHash(made.Names, made.Units);
            if (hash != made.Layout)
            {
                throw new FormatException(
                    $"stream {name}: its names and units hash to {hash}, its layout is {made.Layout}");
            }
            return made;
        }

        private static Control ReadControl(Json told) => new Control
        {
            Name = Needed(told, "name").Text,
            Low = told["low"] == null ? double.NegativeInfinity : told["low"].NumberOr(double.NegativeInfinity),
            High = told["high"] == null ? double.PositiveInfinity : told["high"].NumberOr(double.PositiveInfinity),
            Choices = told["choices"] == null || told["choices"].IsNull
                ? Array.Empty<string>()
                : Texts(told["choices"], Most, "choices"),
        };

        private static Skeleton ReadSkeleton(Json told)
        {
            var made = new Skeleton
            {
                Name = Needed(told, "name").Text,
                Joints = Texts(Needed(told, "joints"), Most, "joints"),
                Parents = Each(Needed(told, "parents"), Most, "parents", each => (int)each.Whole(-1, Most, "a parent")),
                Rest = Each(Needed(told, "rest"), Most, "rest", ReadOffset),
            };
            int count = made.Joints.Length;
            if (count == 0 || made.Parents.Length != count || made.Rest.Length != count
                || new HashSet<string>(made.Joints).Count != count)
            {
                throw new FormatException($"skeleton {made.Name}: joints, parents and offsets do not belong together");
            }
            for (int joint = 0; joint < count; joint++)
            {
                if (made.Parents[joint] >= joint)
                {
                    throw new FormatException($"skeleton {made.Name}: a parent comes after its child");
                }
            }
            return made;
        }

        private static Vector3 ReadOffset(Json told)
        {
            float[] at = Each(told, 3, "an offset", each => (float)each.Number(-1e3, 1e3, "an offset, metres,"));
            return at.Length == 3 ? new Vector3(at[0], at[1], at[2])
                : throw new FormatException("an offset is x, y, z");
        }

        private static bool AreSame(Skeleton one, Skeleton other) =>
            new ReadOnlySpan<string>(one.Joints).SequenceEqual(other.Joints)
            && new ReadOnlySpan<int>(one.Parents).SequenceEqual(other.Parents)
            && new ReadOnlySpan<Vector3>(one.Rest).SequenceEqual(other.Rest);

        private static Json Needed(Json told, string name) =>
            told[name] ?? throw new FormatException($"announced: {name} is missing");

        private static string[] Texts(Json told, int most, string what) => Each(told, most, what, each => each.Text);

        private static T[] Each<T>(Json told, int most, string what, Func<Json, T> read)
        {
            if (told == null)
            {
                return Array.Empty<T>();
            }
            if (told.Items.Count > most)
            {
                throw new FormatException($"announced: {what}: {told.Items.Count}; there are {most} at most");
            }
            var made = new T[told.Items.Count];
            for (int index = 0; index < made.Length; index++)
            {
                made[index] = read(told.Items[index]);
            }
            return made;
        }
    }
}
