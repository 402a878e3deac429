// A subscriber of the engine's publisher over plain TCP: as much of ZeroMQ's protocol (ZMTP 3.0, RFC 23, mechanism
// NULL)
// as a subscription needs, so that nothing has to be installed; not its keys (CURVE). The thread always reads, so
// that what is handed over is never older than what has come; what nobody takes is overwritten in the mailbox.
using System;
using System.Buffers.Binary;
using System.IO;
using System.Net.Sockets;
using System.Text;

namespace ReactionEngine
{
    /// <summary>Connects to "tcp://HOST:PORT" and subscribes to frames and announcements.</summary>
    public sealed class ZmtpTransport : ITransport
    {
        private const int GreetingBytes = 64;
        private const int VersionBytes = 11;
        private const int ConnectMs = 3000;

        /// <summary>The engine announces itself every second: a connection that is silent for so long is
        /// dead.</summary>
        private const int SilentMs = 6000;
        private const byte More = 1, Long = 2, Command = 4;
        private readonly string host;
        private readonly int port;
        private TcpClient client;
        private volatile bool stopped;
        private byte[] buffer = new byte[1 << 16];
        private int begin;
        private int end;

        /// <summary>Throws <see cref="TransportException"/> for what is no address.</summary>
        public ZmtpTransport(string address)
        {
            if (!Uri.TryCreate(address, UriKind.Absolute, out Uri uri) || uri.Scheme != "tcp" || uri.Port <= 0)
            {
                throw new TransportException($"address \"{address}\": write it as tcp://HOST:PORT", true);
            }
            host = uri.Host.Trim('[', ']');
            port = uri.Port;
        }

        public void Stop()
        {
            stopped = true;
            client?.Close();
        }

        public void Run(Matcher matcher, Action connected)
        {
            try
            {
                using (client = new TcpClient(host.Contains(":") ? AddressFamily.InterNetworkV6
                    : AddressFamily.InterNetwork))
                {
                    if (!client.ConnectAsync(host, port).Wait(ConnectMs))
                    {
                        throw new TransportException($"no engine answers at tcp://{host}:{port}");
                    }
                    client.NoDelay = true;
                    client.ReceiveTimeout = SilentMs;
                    NetworkStream stream = client.GetStream();
                    Greet(stream);
                    connected();
                    Receive(stream, matcher);
                }
            }
            catch (Exception error) when (IsConnection(error))
            {
                if (!stopped)
                {
                    string why = (error is AggregateException ? error.InnerException : error).Message;
                    throw new TransportException($"no engine at tcp://{host}:{port}: {why}");
                }
            }
        }

        private static bool IsConnection(Exception error) =>
            error is IOException || error is SocketException || error is ObjectDisposedException
            || error is InvalidOperationException
            || error is AggregateException all && all.InnerException is SocketException;

        private void Greet(NetworkStream stream)
        {
            var greeting = new byte[GreetingBytes];
            greeting[0] = 0xFF;
            greeting[9] = 0x7F;
            greeting[10] = 3; // version 3.0: subscriptions are messages
            Encoding.ASCII.GetBytes("NULL").CopyTo(greeting, 12);
            // told the rest too, a peer that wants keys hangs up before it says so
            stream.Write(greeting, 0, VersionBytes);
            Fill(stream, GreetingBytes);
            string mechanism = Encoding.ASCII.GetString(buffer, begin + 12, 20).TrimEnd('\0');
            if (buffer[begin] != 0xFF || buffer[begin + 9] != 0x7F || buffer[begin + 10] < 3)
            {
                throw new TransportException($"tcp://{host}:{port} does not speak ZeroMQ: is it the port of --pub?");
            }
            if (mechanism != "NULL")
            {
                throw new TransportException(
                    $"tcp://{host}:{port} wants keys ({mechanism}): this client has none; use ws:// and a token", true);
            }
            begin += GreetingBytes;
            stream.Write(greeting, VersionBytes, GreetingBytes - VersionBytes);
            byte[] ready = Encoding.ASCII.GetBytes("\u0005READY\u000bSocket-Type\0\0\0\u0003SUB");
            Write(stream, Command, ready);
            Write(stream, 0, Encoding.ASCII.GetBytes("\u0001RXN1"));
            Write(stream, 0, Encoding.ASCII.GetBytes("\u0001RXA1"));
        }

        private static void Write(NetworkStream stream, byte flags, byte[] body)
        {
            var frame = new byte[2 + body.Length];
            frame[0] = flags;
            frame[1] = (byte)body.Length;
            body.CopyTo(frame, 2);
            stream.Write(frame, 0, frame.Length);
        }

        private void Receive(NetworkStream stream, Matcher matcher)
        {
            bool isPart = false; // of a message of several parts, which are none of ours
            while (!stopped)
            {
                Fill(stream, 2);
                byte flags = buffer[begin];
                int head = (flags & Long) != 0 ? 9 : 2;
                Fill(stream, head);
                ulong size = head == 2 ? buffer[begin + 1]
                    : BinaryPrimitives.ReadUInt64BigEndian(new ReadOnlySpan<byte>(buffer, begin + 1, 8));
                if (size > Wire.LongestMessage)
                {
                    throw new TransportException($"tcp://{host}:{port} sends {size} bytes at once: it is no engine",
                        true);
                }
                Fill(stream, head + (int)size);
                int at = begin + head;
                begin += head + (int)size;
                if ((flags & Command) != 0)
                {
                    Obey(stream, new ReadOnlySpan<byte>(buffer, at, (int)size));
                    continue;
                }
                bool isWhole = !isPart && (flags & More) == 0;
                isPart = (flags & More) != 0;
                if (isWhole)
                {
                    matcher.Take(buffer, at, (int)size, Monotonic.NowNs());
                }
            }
        }

        /// <summary>A command of the other side: a PING (RFC 37) wants its context back.</summary>
        private void Obey(NetworkStream stream, ReadOnlySpan<byte> command)
        {
            ReadOnlySpan<byte> ping = new byte[] { 4, (byte)'P', (byte)'I', (byte)'N', (byte)'G' };
            if (command.StartsWith(ping) && command.Length is >= 7 and <= 7 + 16)
            {
                var pong = new byte[5 + command.Length - 7];
                Encoding.ASCII.GetBytes("\u0004PONG").CopyTo(pong, 0);
                command.Slice(7).CopyTo(new Span<byte>(pong, 5, pong.Length - 5));
                Write(stream, Command, pong);
            }
        }

        /// <summary>Reads until the buffer holds so many bytes from <see cref="begin"/> on.</summary>
        private void Fill(NetworkStream stream, int count)
        {
            if (end - begin >= count)
            {
                return;
            }
            if (begin + count > buffer.Length)
            {
                byte[] room = count > buffer.Length ? new byte[Math.Max(count, 2 * buffer.Length)] : buffer;
                Buffer.BlockCopy(buffer, begin, room, 0, end - begin);
                buffer = room;
                end -= begin;
                begin = 0;
            }
            while (end - begin < count)
            {
                int more = stream.Read(buffer, end, buffer.Length - end);
                if (more == 0)
                {
                    throw new IOException("the engine closed the connection");
                }
                end += more;
            }
        }
    }
}
