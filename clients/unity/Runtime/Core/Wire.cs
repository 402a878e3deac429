// The engine's frames: a 56-byte little-endian header and float32 values, as engine/wire.py documents them.
// A message of another magic, version or length is refused; nothing here allocates once a frame's buffer is
// large enough.
using System;
using System.Buffers.Binary;
using System.Text;

namespace ReactionEngine
{
    /// <summary>Why a frame may be less than it seems; bits 8 and up come from the header's last field.</summary>
    [Flags]
    public enum FrameFlags : uint
    {
        None = 0,
        Held = 1,
        Late = 2,
        Silent = 4,
        NoFace = 8,
        Degraded = 16,
        First = 32,
        BadInput = 64,
        Skipped = 128,
        Unsound = 256,
        Pending = 512,
    }

    /// <summary>What is wrong with the bytes of a message; <see cref="None"/> for a frame of version 1.</summary>
    public enum WireFault
    {
        None,
        TooShort,
        Magic,
        Version,
        Length,
    }

    /// <summary>One frame of one stream. Times are nanoseconds of the engine host's monotonic clock. A buffer that is
    /// used again and again: <see cref="Values"/> may be longer than <see cref="Count"/>.</summary>
    public sealed class Frame
    {
        public uint Session;
        public ushort Stream;
        public FrameFlags Flags;
        public uint StepUs;
        public ulong Seq;
        public long CaptureNs;
        public long DueNs;
        public long PublishNs;
        public uint Layout;
        public int Count;
        public float[] Values = Array.Empty<float>();

        /// <summary>The announced stream it belongs to; set by <see cref="Matcher"/>.</summary>
        public StreamInfo Info;

        /// <summary>The announcement that holds <see cref="Info"/>.</summary>
        public Announcement Engine;

        /// <summary>How often the engine had begun anew when it came.</summary>
        public int Run;

        /// <summary>When it came, nanoseconds of <see cref="Monotonic"/>.</summary>
        public long ReceivedNs;
    }

    /// <summary>Reads frames.</summary>
    public static class Wire
    {
        public const int HeaderBytes = 56;
        public const int LongestMessage = (1 << 20) + 1024;

        /// <summary>"RXN1" and "RXA1" as they stand in the first four bytes.</summary>
        public const uint FrameMagic = 0x314E5852;
        public const uint AnnouncementMagic = 0x31415852;
        private const byte Version = 1;
        private static readonly uint[] CrcTable = MakeCrcTable();

        /// <summary>Whether the message is an announcement: 4 bytes of magic, 4 of the session, then JSON.</summary>
        public static bool IsAnnouncement(ReadOnlySpan<byte> message) =>
            message.Length >= 8 && BinaryPrimitives.ReadUInt32LittleEndian(message) == AnnouncementMagic;

        /// <summary>Reads header and values into <paramref name="frame"/>, which keeps its buffer.</summary>
        public static WireFault Read(ReadOnlySpan<byte> message, Frame frame)
        {
            WireFault fault = ReadHeader(message, frame);
            if (fault != WireFault.None)
            {
                return fault;
            }
            if (frame.Values.Length < frame.Count)
            {
                frame.Values = new float[frame.Count];
            }
            for (int index = 0; index < frame.Count; index++)
            {
                int bits = BinaryPrimitives.ReadInt32LittleEndian(message.Slice(HeaderBytes + 4 * index));
                frame.Values[index] = BitConverter.Int32BitsToSingle(bits);
            }
            return WireFault.None;
        }

        /// <summary>Reads the header alone, and checks that the values it names are there.</summary>
        public static WireFault ReadHeader(ReadOnlySpan<byte> message, Frame frame)
        {
            if (message.Length < HeaderBytes)
            {
                return WireFault.TooShort;
            }
            if (BinaryPrimitives.ReadUInt32LittleEndian(message) != FrameMagic)
            {
                return WireFault.Magic;
            }
            if (message[10] != Version)
            {
                return WireFault.Version;
            }
            int count = BinaryPrimitives.ReadUInt16LittleEndian(message.Slice(52));
            if (message.Length != HeaderBytes + 4 * count)
            {
                return WireFault.Length;
            }
            frame.Session = BinaryPrimitives.ReadUInt32LittleEndian(message.Slice(4));
            frame.Stream = BinaryPrimitives.ReadUInt16LittleEndian(message.Slice(8));
            uint more = BinaryPrimitives.ReadUInt16LittleEndian(message.Slice(54));
            frame.Flags = (FrameFlags)(message[11] | (more << 8));
            frame.StepUs = BinaryPrimitives.ReadUInt32LittleEndian(message.Slice(12));
            frame.Seq = BinaryPrimitives.ReadUInt64LittleEndian(message.Slice(16));
            frame.CaptureNs = BinaryPrimitives.ReadInt64LittleEndian(message.Slice(24));
            frame.DueNs = BinaryPrimitives.ReadInt64LittleEndian(message.Slice(32));
            frame.PublishNs = BinaryPrimitives.ReadInt64LittleEndian(message.Slice(40));
            frame.Layout = BinaryPrimitives.ReadUInt32LittleEndian(message.Slice(48));
            frame.Count = count;
            return WireFault.None;
        }

        /// <summary>CRC-32 of the JSON of names and units, written as the engine writes it: two peers with the same
        /// hash agree on what each float means.</summary>
        public static uint LayoutHash(string[] names, string[] units)
        {
            var text = new StringBuilder("[");
            AppendList(text, names);
            text.Append(',');
            AppendList(text, units);
            text.Append(']');
            uint crc = 0xFFFFFFFF;
            foreach (char sign in text.ToString()) // ASCII alone: all else is escaped
            {
                crc = CrcTable[(crc ^ sign) & 0xFF] ^ (crc >> 8);
            }
            return crc ^ 0xFFFFFFFF;
        }

        private static void AppendList(StringBuilder text, string[] items)
        {
            text.Append('[');
            for (int index = 0; index < items.Length; index++)
            {
                if (index > 0)
                {
                    text.Append(',');
                }
                Json.AppendQuoted(text, items[index]);
            }
            text.Append(']');
        }

        private static uint[] MakeCrcTable()
        {
            var table = new uint[256];
            for (uint entry = 0; entry < 256; entry++)
            {
                uint value = entry;
                for (int bit = 0; bit < 8; bit++)
                {
                    value = (value & 1) != 0 ? 0xEDB88320 ^ (value >> 1) : value >> 1;
                }
                table[entry] = value;
            }
            return table;
        }
    }
}
