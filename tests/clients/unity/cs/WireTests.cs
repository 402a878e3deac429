// Frames, JSON and announcements: what is read, and what is refused.
using System;
using System.Linq;

namespace ReactionEngine.Tests
{
    public static class WireTests
    {
        private static readonly string[] Names = { "a", "b" };
        private static readonly string[] Units = { "m", "m" };
        private static readonly uint Layout = Wire.LayoutHash(Names, Units);

        [Test]
        public static void WhatIsNoFrameIsNamed()
        {
            byte[] whole = Made.Message(3, new[] { 1f, 2f }, Layout);
            var frame = new Frame();
            Check.Equal(WireFault.None, Wire.Read(whole, frame), "a whole one");
            Check.Equal(WireFault.TooShort, Wire.Read(new byte[0], frame), "nothing");
            Check.Equal(WireFault.TooShort, Wire.Read(whole.Take(55).ToArray(), frame), "55 bytes");
            Check.Equal(WireFault.Length, Wire.Read(whole.Take(whole.Length - 1).ToArray(), frame), "cut");
            Check.Equal(WireFault.Length, Wire.Read(whole.Concat(new byte[1]).ToArray(), frame), "too long");
            Check.Equal(WireFault.Magic, Wire.Read(Changed(whole, 3, (byte)'2'), frame), "magic");
            Check.Equal(WireFault.Version, Wire.Read(Changed(whole, 10, 2), frame), "version");
        }

        [Test]
        public static void ABufferIsUsedAgain()
        {
            var frame = new Frame();
            Wire.Read(Made.Message(1, new[] { 1f, 2f, 3f }, Layout), frame);
            float[] kept = frame.Values;
            Wire.Read(Made.Message(2, new[] { 9f }, Layout, flags: 0x201), frame);
            Check.That(ReferenceEquals(kept, frame.Values), "a smaller frame fits into the buffer");
            Check.Equal(1, frame.Count, "count");
            Check.Equal(9f, frame.Values[0], "value");
            Check.Equal(FrameFlags.Pending | FrameFlags.Held, frame.Flags, "flags of both fields");
        }

        [Test]
        public static void HashesAreThoseOfPython()
        {
            // zlib.crc32(json.dumps([["a\"\\\n\x7f\u00e9\U0001F600"], ["m"]], separators=(",", ":")).encode())
            Check.Equal(1983291751u, Wire.LayoutHash(new[] { "a\"\\\n\x7f\u00e9\U0001F600" }, new[] { "m" }),
                "signs that are escaped");
        }

        [Test]
        public static void JsonIsReadWithinBounds()
        {
            Json told = Json.Parse("{\"a b\":[1,-2.5e1,true,null,\"\\u00e9\\n\"],\"9\":{}}");
            Check.Equal(5, told["a b"].Items.Count, "items");
            Check.Equal(-25.0, told["a b"].Items[1].Number(-100, 100, "it"), "a number");
            Check.Equal("\u00e9\n", told["a b"].Items[4].Text, "text");
            Check.That(told["9"].IsObject && told["a b"].Items[3].IsNull && told["none"] == null, "kinds");
            Check.Equal(long.MaxValue, Json.Parse("9223372036854775807").Whole(0, long.MaxValue, "it"), "a long");
            foreach (string broken in new[] { "", "{", "[1,", "{\"a\":}", "nonsense", new string('[', 60)
                + new string(']', 60) })
            {
                Check.Throws<FormatException>(() => Json.Parse(broken), broken);
            }
            Check.Throws<FormatException>(() => Json.Parse("1.5").Whole(0, 9, "it"));
            Check.Throws<FormatException>(() => Json.Parse("10").Whole(0, 9, "it"));
            Check.Throws<FormatException>(() => Json.Parse("\"5\"").Number(0, 9, "it"));
            Check.Throws<FormatException>(() => Json.Parse("5").Text.ToString());
        }

        [Test]
        public static void AStreamIsFoundByItsCodec()
        {
            Announcement told = Announcement.Read(Json.Parse(Made.Engine(
                Made.Stream(9, "late", "arkit58", Names),
                Made.Stream(4, "body", "joints", Names, ",\"bundle\":\"gesture\",\"rate\":15,\"skeleton\":\"cmu\""),
                Made.Stream(2, "anything", "arkit58", Names, ",\"bundle\":\"talk\""),
                Made.Stream(1, "seen", "arkit58", Names).Replace("output", "input"))));
            Check.Equal(2, told.Find("arkit58").Number, "the first output, whatever its name");
            Check.Equal(9, told.Find("arkit58", "rules").Number, "of a bundle");
            Check.That(told.Find("emotion25") == null, "a codec that is not there");
            StreamInfo body = told.Find("joints");
            Check.Equal("cmu 15 gesture self", $"{body.Skeleton} {body.Rate} {body.Bundle} {body.Of}", "fields");
            Check.Equal(25.0, told.Find("arkit58").Rate, "the rate of the session where a stream has none");
        }

        [Test]
        public static void AnnouncementsThatCannotBeUsedAreRefusedInWords()
        {
            string good = Made.Engine(Made.Stream(0, "face", "arkit58", Names));
            string Wrong(string from, string to) =>
                Check.Throws<FormatException>(() => Announcement.Read(Json.Parse(good.Replace(from, to))));
            Announcement.Read(Json.Parse(good));
            Check.That(Wrong("\"layout\":", "\"layout\":1").Contains("hash"), "a layout that is not that of the names");
            Check.That(Wrong("\"codec\":\"arkit58\",", "").Contains("older"), "no codec");
            Check.That(Wrong("\"rate\":25", "\"rate\":0").Contains("rate"), "a rate of 0");
            Check.That(Wrong("\"session\":5", "\"session\":-5").Contains("session"), "a session below 0");
            Check.That(Wrong("[\"a\",\"b\"]", "[\"a\",7]").Contains("text"), "a name that is a number");
            Check.That(Wrong(good, "[]").Contains("streams"), "a list");
            Check.That(Wrong(good, "{\"streams\":[]}").Contains("no session of its own"), "no session yet");
            string twice = Made.Stream(0, "x", "joints", Names);
            Check.That(Wrong(good, Made.Engine(twice, twice)).Contains("two streams"), "a number twice");
            string Body(string skeleton) => good.TrimEnd('}') + ",\"skeletons\":{\"s\":" + skeleton + "}}";
            string it = "{\"name\":\"s\",\"joints\":[\"a\",\"b\"],\"parents\":[-1,0],\"rest\":[[0,0,0],[0,1,0]]}";
            Announcement.Read(Json.Parse(Body(it)));
            Check.That(Wrong(good, Body(it.Replace("[-1,0]", "[-1,1]"))).Contains("after its child"), "a circle");
            Check.That(Wrong(good, Body(it.Replace("[-1,0]", "[-1]"))).Contains("belong together"), "too few parents");
            Check.That(Wrong(good, Body(it.Replace("\"b\"", "\"a\""))).Contains("belong together"), "a name twice");
            Check.That(Wrong(good, Body(it.Replace("[0,1,0]", "[0,1]"))).Contains("x, y, z"), "two numbers");
        }

        [Test]
        public static void ARecordingIsNoticed()
        {
            string good = Made.Engine(Made.Stream(0, "face", "arkit58", Names));
            bool Is(string told) => Announcement.Read(Json.Parse(good.Insert(1, told))).IsRecording;
            Check.That(Is("\"recording\":\"talk.mcap\",") && !Is("\"recording\":\"\",") && !Is(""), "recording");
        }

        [Test]
        public static void RecordsAreAsTheEngineReadsThem()
        {
            byte[] sound = WebSocketTransport.Record(3, new[] { 0.5f, -2f, 1f, 9f }, 3, 0x0102030405060708, true, true);
            Check.Equal("01030100030000000807060504030201" + "0040" + "0180" + "FF7F", Hex(sound), "sound");
            byte[] pose = WebSocketTransport.Record(1, new[] { 1f }, 1, -1, false, false);
            Check.Equal("0201000001000000FFFFFFFFFFFFFFFF" + "0000803F", Hex(pose), "a pose that was not seen");
        }

        [Test]
        public static void ASessionIsAskedForAsJson()
        {
            var options = new TransportOptions { Gives = new[] { "audio/partner" }, Bundles = new[] { "rules" },
                Seed = 9, Token = "\"" };
            Json told = Json.Parse(WebSocketTransport.Opening(options, 17))["open"];
            Check.Equal("audio/partner", told["gives"].Items[0].Text, "gives");
            Check.Equal("rules", told["bundles"].Items[0].Text, "bundles");
            Check.Equal(9L, told["seed"].Whole(0, 99, "seed"), "seed");
            Check.Equal(16000L, told["sample_rate"].Whole(0, 99999, "sample_rate"), "sample_rate");
            Check.Equal("\"", told["token"].Text, "token");
        }

        [Test]
        public static void AddressesThatAreNoneAreRefusedInWords()
        {
            foreach (string address in new[] { "", "127.0.0.1:5570", "http://x/", "tcp://x", "ws:" })
            {
                string said = Check.Throws<TransportException>(()
                    => Transports.Make(new TransportOptions { Address = address }));
                Check.That(said.Contains("write"), said);
            }
        }

        private static byte[] Changed(byte[] message, int at, byte value)
        {
            var changed = (byte[])message.Clone();
            changed[at] = value;
            return changed;
        }

        private static string Hex(byte[] bytes) => string.Concat(bytes.Select(each => each.ToString("X2")));
    }
}
