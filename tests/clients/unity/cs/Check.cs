// What a test asks of a value, and frames and announcements as an engine would send them.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using System.Text;

namespace ReactionEngine.Tests
{
    public sealed class CheckException : Exception
    {
        public CheckException(string message)
            : base(message)
        {
        }
    }

    public static class Check
    {
        public static void That(bool holds, string what)
        {
            if (!holds)
            {
                throw new CheckException(what);
            }
        }

        public static void Equal<T>(T wanted, T got, string what)
        {
            That(EqualityComparer<T>.Default.Equals(wanted, got), $"{what}: {got}, not {wanted}");
        }

        public static void Near(double wanted, double got, double most, string what)
        {
            That(Math.Abs(wanted - got) <= most, $"{what}: {got}, not {wanted}");
        }

        public static void Near(Vector3 wanted, Vector3 got, float most, string what)
        {
            That((wanted - got).Length() <= most, $"{what}: {got}, not {wanted}");
        }

        /// <summary>Runs it and gives the message of the exception that it must throw.</summary>
        public static string Throws<T>(Action run, string what = "")
            where T : Exception
        {
            try
            {
                run();
            }
            catch (T error)
            {
                return error.Message;
            }
            throw new CheckException($"no {typeof(T).Name} {what}");
        }
    }

    /// <summary>Messages as the engine writes them.</summary>
    public static class Made
    {
        public const uint Session = 5;

        /// <summary>A frame's message, written here from the table in engine/wire.py.</summary>
        public static byte[] Message(
            ulong seq, float[] values, uint layout, ushort stream = 0, uint session = Session, long captureNs = 0,
            uint flags = 0)
        {
            var bytes = new List<byte>(Encoding.ASCII.GetBytes("RXN1"));
            bytes.AddRange(BitConverter.GetBytes(session));
            bytes.AddRange(BitConverter.GetBytes(stream));
            bytes.Add(1);
            bytes.Add((byte)flags);
            bytes.AddRange(BitConverter.GetBytes(1000u));
            bytes.AddRange(BitConverter.GetBytes(seq));
            bytes.AddRange(BitConverter.GetBytes(captureNs));
            bytes.AddRange(BitConverter.GetBytes(captureNs));
            bytes.AddRange(BitConverter.GetBytes(captureNs));
            bytes.AddRange(BitConverter.GetBytes(layout));
            bytes.AddRange(BitConverter.GetBytes((ushort)values.Length));
            bytes.AddRange(BitConverter.GetBytes((ushort)(flags >> 8)));
            foreach (float value in values)
            {
                bytes.AddRange(BitConverter.GetBytes(value));
            }
            return bytes.ToArray();
        }

        public static string Stream(int number, string name, string codec, string[] names, string more = "")
        {
            var units = Enumerable.Repeat("m", names.Length).ToArray();
            string listed = string.Join(",", names.Select(Json.Quote)), measured = string.Join(",",
                units.Select(Json.Quote));
            return $"{{\"stream\":{number},\"name\":\"{name}\",\"codec\":\"{codec}\",\"kind\":\"output\","
                + $"\"names\":[{listed}],"
                + $"\"units\":[{measured}],\"layout\":{Wire.LayoutHash(names, units)}{more}}}";
        }

        public static string Engine(params string[] streams) =>
            $"{{\"session\":{Session},\"rate\":25,\"bundle\":\"rules\",\"streams\":[{string.Join(",", streams)}]}}";

        public static byte[] Announced(string json, uint session = Session) =>
            Encoding.ASCII.GetBytes("RXA1").Concat(BitConverter.GetBytes(session))
                .Concat(Encoding.UTF8.GetBytes(json)).ToArray();

        public static void Send(Matcher matcher, byte[] message, long receivedNs = 0) =>
            matcher.Take(message, 0, message.Length, receivedNs);

        /// <summary>A skeleton of joints, parents and offsets.</summary>
        public static Skeleton Body(params (string Joint, int Parent, float X, float Y, float Z)[] joints)
            => new Skeleton
        {
            Name = "made",
            Joints = joints.Select(each => each.Joint).ToArray(),
            Parents = joints.Select(each => each.Parent).ToArray(),
            Rest = joints.Select(each => new Vector3(each.X, each.Y, each.Z)).ToArray(),
        };
    }
}
