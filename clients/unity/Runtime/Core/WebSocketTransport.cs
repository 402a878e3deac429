// A session of one's own on an engine that was started with --listen (engine/network/messages.py has the messages): an
// opening, frames as binary messages, questions for the time that are answered at once, and what this side hears.
using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace ReactionEngine
{
    /// <summary>Connects to "ws://HOST:PORT/session". What is sent may be sent from any thread.</summary>
    public sealed class WebSocketTransport : ITransport
    {
        private const int OpenMs = 10_000;
        private const int MostWaiting = 64;

        /// <summary>Close code of an engine that has no room now (RFC 6455, section 7.4).</summary>
        private const int TryLater = 1013;
        private readonly TransportOptions options;
        private readonly Uri uri;
        private readonly CancellationTokenSource stop = new CancellationTokenSource();
        private readonly Queue<ArraySegment<byte>> waiting = new Queue<ArraySegment<byte>>();
        private readonly SemaphoreSlim more = new SemaphoreSlim(0);
        private readonly Dictionary<string, byte> inputs = new Dictionary<string, byte>();
        private byte[] buffer = new byte[1 << 16];
        private volatile string ended;
        private volatile string notice = "";
        private volatile bool isOpen;
        private bool wasOpen;

        /// <summary>Throws <see cref="TransportException"/> for what is no address.</summary>
        public WebSocketTransport(TransportOptions options)
        {
            this.options = options;
            if (!Uri.TryCreate(options.Address, UriKind.Absolute, out uri) || uri.Scheme != "ws" && uri.Scheme != "wss")
            {
                throw new TransportException($"address \"{options.Address}\": write it as ws://HOST:PORT/session",
                    true);
            }
        }

        /// <summary>What the engine said last of sound that is too quiet, clipped and the like, or of a message that it
        /// did not take; empty where nothing was.</summary>
        public string Notice => notice;

        /// <summary>Whether the session is open, so that it may be sent to.</summary>
        public bool IsOpen => isOpen;

        public void Stop() => stop.Cancel();

        public void Run(Matcher matcher, Action connected)
        {
            try
            {
                Talk(matcher, connected).GetAwaiter().GetResult();
            }
            catch (Exception error) when (error is WebSocketException || error is OperationCanceledException
                || error is System.IO.IOException || error is FormatException)
            {
                if (!stop.IsCancellationRequested)
                {
                    throw new TransportException($"no session at {uri}: {ended ?? error.Message}");
                }
            }
            finally
            {
                isOpen = false;
            }
        }

        /// <summary>Sends sound, -1 to 1, whose last sample was captured at that time of <see cref="Monotonic"/>. False
        /// where the session does not take it (<see cref="TransportOptions.Gives"/>) or is not open.</summary>
        public bool SendSound(string gives, float[] samples, int count, long capturedNs) =>
            SendRecord(gives, samples, count, capturedNs, true, true);

        /// <summary>Sends a pose, such as the 58 numbers of "face/partner"; null: nobody is seen.</summary>
        public bool SendPose(string gives, float[] values, int count, long capturedNs) =>
            SendRecord(gives, values ?? new float[count], count, capturedNs, false, values != null);

        /// <summary>Sets a control to a number.</summary>
        public void Set(string control, double value) =>
            Send($"{{\"set\":{{{Json.Quote(control)}:{value.ToString("R", CultureInfo.InvariantCulture)}}}}}");

        /// <summary>Sets a control by the name of a choice, or a text.</summary>
        public void Set(string control, string value) =>
            Send($"{{\"set\":{{{Json.Quote(control)}:{Json.Quote(value)}}}}}");

        /// <summary>The first message of a session.</summary>
        public static string Opening(TransportOptions options, long nowNs)
        {
            var text = new StringBuilder("{\"open\":{\"gives\":[");
            AppendList(text, options.Gives);
            text.Append("],\"bundles\":[");
            AppendList(text, options.Bundles);
            text.Append("],\"seed\":").Append(options.Seed.ToString(CultureInfo.InvariantCulture));
            text.Append(",\"sample_rate\":").Append(options.SampleRate.ToString(CultureInfo.InvariantCulture));
            text.Append(",\"head\":").Append(Json.Quote(options.Head));
            if (options.Token.Length > 0)
            {
                text.Append(",\"token\":").Append(Json.Quote(options.Token));
            }
            return text.Append(",\"at\":").Append(nowNs.ToString(CultureInfo.InvariantCulture)).Append("}}").ToString();
        }

        /// <summary>A record of sound (16-bit) or of a pose (float32): 16 bytes, then the numbers.</summary>
        public static byte[] Record(byte input, float[] values, int count, long capturedNs, bool isSound, bool isValid)
        {
            var record = new byte[16 + count * (isSound ? 2 : 4)];
            record[0] = (byte)(isSound ? 1 : 2);
            record[1] = input;
            record[2] = (byte)(isValid ? 1 : 0);
            var numbers = new Span<byte>(record);
            BinaryPrimitives.WriteUInt32LittleEndian(numbers.Slice(4), (uint)count);
            BinaryPrimitives.WriteInt64LittleEndian(numbers.Slice(8), capturedNs);
            for (int index = 0; index < count; index++)
            {
                if (isSound)
                {
                    double level = Math.Round(Math.Min(Math.Max(values[index], -1f), 1f) * 32767.0);
                    BinaryPrimitives.WriteInt16LittleEndian(numbers.Slice(16 + 2 * index), (short)level);
                }
                else
                {
                    int bits = BitConverter.SingleToInt32Bits(values[index]);
                    BinaryPrimitives.WriteInt32LittleEndian(numbers.Slice(16 + 4 * index), bits);
                }
            }
            return record;
        }

        private static void AppendList(StringBuilder text, string[] items)
        {
            for (int index = 0; index < items.Length; index++)
            {
                text.Append(index > 0 ? "," : "").Append(Json.Quote(items[index]));
            }
        }

        private async Task Talk(Matcher matcher, Action connected)
        {
            using (var socket = new ClientWebSocket())
            using (var opening = CancellationTokenSource.CreateLinkedTokenSource(stop.Token))
            {
                opening.CancelAfter(OpenMs);
                await socket.ConnectAsync(uri, opening.Token).ConfigureAwait(false);
                await Write(socket, Text(Opening(options, Monotonic.NowNs()))).ConfigureAwait(false);
                Task sending = Task.CompletedTask;
                using (var over = CancellationTokenSource.CreateLinkedTokenSource(stop.Token))
                {
                    try
                    {
                        await Receive(socket, matcher, connected, () => sending = SendAll(socket, over.Token))
                            .ConfigureAwait(false);
                    }
                    finally
                    {
                        isOpen = false;
                        over.Cancel();
                        await sending.ConfigureAwait(false);
                    }
                }
                bool isFinal = ended != null && (int?)socket.CloseStatus != TryLater && !wasOpen;
                throw new TransportException($"the session at {uri} is over: {ended ?? "the engine closed it"}",
                    isFinal);
            }
        }

        private async Task Receive(ClientWebSocket socket, Matcher matcher, Action connected, Action opened)
        {
            while (true)
            {
                int count = 0;
                WebSocketReceiveResult result;
                do
                {
                    if (count == buffer.Length)
                    {
                        if (count >= Wire.LongestMessage)
                        {
                            throw new FormatException("a message that is too long: it is no engine");
                        }
                        Array.Resize(ref buffer, 2 * buffer.Length);
                    }
                    var room = new ArraySegment<byte>(buffer, count, buffer.Length - count);
                    result = await socket.ReceiveAsync(room, stop.Token).ConfigureAwait(false);
                    count += result.Count;
                }
                while (!result.EndOfMessage);
                if (result.MessageType == WebSocketMessageType.Close)
                {
                    return;
                }
                if (result.MessageType == WebSocketMessageType.Binary)
                {
                    matcher.Take(buffer, 0, count, Monotonic.NowNs());
                    continue;
                }
                Json told = Json.Parse(buffer, 0, count);
                if (told["session"] != null)
                {
                    Learn(told, matcher);
                    isOpen = true;
                    connected();
                    opened();
                }
                Answer(told);
            }
        }

        private void Learn(Json told, Matcher matcher)
        {
            matcher.Settle(Announcement.Read(told["session"]));
            foreach (Json input in told["inputs"]?.Items ?? Array.Empty<Json>())
            {
                if (input["gives"] != null && input["input"] != null)
                {
                    inputs[input["gives"].Text] = (byte)input["input"].Whole(0, 255, "an input");
                }
            }
            wasOpen = true;
        }

        private void Answer(Json told)
        {
            if (told["time"] != null)
            {
                long asked = told["time"].Whole(long.MinValue, long.MaxValue, "time");
                Send($"{{\"time\":{asked},\"at\":{Monotonic.NowNs()}}}");
            }
            notice = told["notice"] != null ? told["notice"].Text : notice;
            notice = told["refused"] != null ? told["refused"].Text : notice;
            ended = told["ended"] != null ? told["ended"].Text : ended;
        }

        private bool SendRecord(string gives, float[] values, int count, long capturedNs, bool isSound, bool isValid)
        {
            if (!isOpen || !inputs.TryGetValue(gives, out byte input))
            {
                return false;
            }
            byte[] record = Record(input, values, count, capturedNs, isSound, isValid);
            Enqueue(new ArraySegment<byte>(record));
            return true;
        }

        private void Send(string text) => Enqueue(Text(text));

        private static ArraySegment<byte> Text(string text) => new ArraySegment<byte>(Encoding.UTF8.GetBytes(text));

        private void Enqueue(ArraySegment<byte> message)
        {
            lock (waiting)
            {
                if (waiting.Count >= MostWaiting)
                {
                    waiting.Dequeue(); // a network that stands still gets the newest when it goes on
                }
                waiting.Enqueue(message);
            }
            more.Release();
        }

        /// <summary>Sends what waits, one message after another: a WebSocket takes one at a time.</summary>
        private async Task SendAll(ClientWebSocket socket, CancellationToken over)
        {
            try
            {
                while (true)
                {
                    await more.WaitAsync(over).ConfigureAwait(false);
                    ArraySegment<byte> message = default;
                    lock (waiting)
                    {
                        message = waiting.Count > 0 ? waiting.Dequeue() : default;
                    }
                    if (message.Array != null)
                    {
                        await Write(socket, message).ConfigureAwait(false);
                    }
                }
            }
            catch (Exception error) when (error is OperationCanceledException || error is WebSocketException
                || error is ObjectDisposedException)
            {
                // the receiving side says why it is over
            }
        }

        /// <summary>Text begins with a brace, a record with 1 or 2.</summary>
        private Task Write(ClientWebSocket socket, ArraySegment<byte> message)
        {
            bool isText = message.Array[message.Offset] == (byte)'{';
            var kind = isText ? WebSocketMessageType.Text : WebSocketMessageType.Binary;
            return socket.SendAsync(message, kind, true, stop.Token);
        }
    }
}
