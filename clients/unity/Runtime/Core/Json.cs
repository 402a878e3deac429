// JSON as plain values, within bounds, by the reader that .NET Standard brings (it gives JSON as XML nodes). Whoever
// sends may be anybody, so depth and lengths are limited before anything is kept.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Runtime.Serialization.Json;
using System.Text;
using System.Xml;

namespace ReactionEngine
{
    /// <summary>One JSON value: an object, a list, or a text, number, true, false or null by its letters.</summary>
    public sealed class Json
    {
        private const int Deepest = 24;
        private static readonly XmlDictionaryReaderQuotas Quotas = new XmlDictionaryReaderQuotas
        {
            MaxDepth = Deepest,
            MaxStringContentLength = 1 << 20,
            MaxArrayLength = 1 << 20,
            MaxBytesPerRead = 1 << 20,
            MaxNameTableCharCount = 1 << 20,
        };

        private readonly Dictionary<string, Json> members;
        private readonly List<Json> items;
        private readonly string letters;
        private readonly string type;

        private Json(string type, string letters, Dictionary<string, Json> members, List<Json> items)
        {
            this.type = type;
            this.letters = letters;
            this.members = members;
            this.items = items;
        }

        public bool IsObject => members != null;

        public bool IsNull => type == "null";

        public bool IsText => type == "string";

        /// <summary>Members of an object. Throws <see cref="FormatException"/> for anything else.</summary>
        public IReadOnlyDictionary<string, Json> Members => members ?? throw Wrong("a JSON object");

        /// <summary>Items of a list. Throws <see cref="FormatException"/> for anything else.</summary>
        public IReadOnlyList<Json> Items => items ?? throw Wrong("a list");

        /// <summary>A text. Throws <see cref="FormatException"/> for anything else.</summary>
        public string Text => type == "string" ? letters : throw Wrong("text");

        /// <summary>The member of that name, or null: for what is no object too.</summary>
        public Json this[string name] => members != null && members.TryGetValue(name, out Json found) ? found : null;

        /// <summary>Parses UTF-8. Throws <see cref="FormatException"/> for what is no JSON, or too much of
        /// it.</summary>
        public static Json Parse(byte[] message, int offset, int count)
        {
            try
            {
                using (var reader = JsonReaderWriterFactory.CreateJsonReader(message, offset, count, Quotas))
                {
                    reader.MoveToContent();
                    return Read(reader); // what stands behind the value is not looked at
                }
            }
            // the reader has more ways to fail than it tells
            catch (Exception error) when (!(error is OutOfMemoryException))
            {
                throw new FormatException("no JSON: " + error.Message);
            }
        }

        public static Json Parse(string text)
        {
            byte[] message = Encoding.UTF8.GetBytes(text);
            return Parse(message, 0, message.Length);
        }

        /// <summary>A whole number of the range. Throws <see cref="FormatException"/> naming <paramref name="what"/>.
        /// </summary>
        public long Whole(long low, long high, string what)
        {
            bool read = long.TryParse(letters, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture,
                out long told);
            if (type != "number" || !read || told < low || told > high)
            {
                throw new FormatException($"announced: {what} is {Shown()}; it is a whole number from {low} to {high}");
            }
            return told;
        }

        /// <summary>A number of the range. Throws <see cref="FormatException"/> naming <paramref
        /// name="what"/>.</summary>
        public double Number(double low, double high, string what)
        {
            bool read = double.TryParse(letters, NumberStyles.Float, CultureInfo.InvariantCulture, out double told);
            if (type != "number" || !read || !(told >= low && told <= high))
            {
                throw new FormatException($"announced: {what} is {Shown()}; it is a number from {low} to {high}");
            }
            return told;
        }

        /// <summary>The number, or <paramref name="other"/> for what is none.</summary>
        public double NumberOr(double other) =>
            type == "number" && double.TryParse(letters, NumberStyles.Float, CultureInfo.InvariantCulture,
                out double told)
                ? told
                : other;

        /// <summary>Appends text in quotes, all but ASCII escaped, as Python's json.dumps does.</summary>
        public static void AppendQuoted(StringBuilder into, string text)
        {
            into.Append('"');
            foreach (char sign in text)
            {
                switch (sign)
                {
                    case '"': into.Append("\\\""); break;
                    case '\\': into.Append("\\\\"); break;
                    case '\n': into.Append("\\n"); break;
                    case '\r': into.Append("\\r"); break;
                    case '\t': into.Append("\\t"); break;
                    case '\b': into.Append("\\b"); break;
                    case '\f': into.Append("\\f"); break;
                    default:
                        if (sign < ' ' || sign > '~')
                        {
                            into.Append("\\u").Append(((int)sign).ToString("x4", CultureInfo.InvariantCulture));
                        }
                        else
                        {
                            into.Append(sign);
                        }
                        break;
                }
            }
            into.Append('"');
        }

        public static string Quote(string text)
        {
            var quoted = new StringBuilder();
            AppendQuoted(quoted, text);
            return quoted.ToString();
        }

        private static Json Read(XmlDictionaryReader reader)
        {
            string type = reader.GetAttribute("type") ?? "string";
            var members = type == "object" ? new Dictionary<string, Json>() : null;
            var items = type == "array" ? new List<Json>() : null;
            if (members == null && items == null)
            {
                return new Json(type, reader.ReadElementContentAsString(), null, null);
            }
            bool isEmpty = reader.IsEmptyElement;
            reader.ReadStartElement();
            while (!isEmpty && reader.NodeType != XmlNodeType.EndElement)
            {
                if (reader.NodeType != XmlNodeType.Element)
                {
                    throw new XmlException("JSON that ends too early");
                }
                // a name that XML cannot spell stands in an attribute
                string name = reader.GetAttribute("item") ?? reader.LocalName;
                Json value = Read(reader);
                if (members != null)
                {
                    members[name] = value;
                }
                else
                {
                    items.Add(value);
                }
            }
            if (!isEmpty)
            {
                reader.ReadEndElement();
            }
            return new Json(type, null, members, items);
        }

        private FormatException Wrong(string wanted)
            => new FormatException($"announced: {Shown()} where {wanted} belongs");

        private string Shown()
        {
            string shown = letters ?? "a JSON " + type;
            return shown.Length > 40 ? shown.Substring(0, 40) : shown;
        }
    }
}
