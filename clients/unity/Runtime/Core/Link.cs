// The thread that receives: it connects, feeds what comes to the matcher, and connects again when an engine went away.
using System;
using System.Collections.Generic;
using System.Threading;

namespace ReactionEngine
{
    /// <summary>A way to an engine. <see cref="Run"/> is called on the link's thread, and returns or throws when the
    /// connection is over; <see cref="Stop"/> is called on another and makes it do so soon.</summary>
    public interface ITransport
    {
        /// <summary>Connects and receives. Throws <see cref="TransportException"/> with a reason for people.</summary>
        void Run(Matcher matcher, Action connected);

        void Stop();
    }

    /// <summary>Why there is no connection, in words.</summary>
    public sealed class TransportException : Exception
    {
        public TransportException(string message, bool isFinal = false)
            : base(message) => IsFinal = isFinal;

        /// <summary>Whether trying again will not help: an engine that refuses, an address that is none.</summary>
        public bool IsFinal { get; }
    }

    public enum LinkState
    {
        Stopped,
        Connecting,
        Connected,
        Waiting,
        Refused,
    }

    /// <summary>Owns a thread from <see cref="Start"/> to <see cref="Dispose"/>, and one transport at a time.</summary>
    public sealed class Link : IDisposable
    {
        private const int SoonestMs = 250;
        private const int LatestMs = 4000;
        private const int JoinMs = 3000;
        private readonly Func<ITransport> make;
        private readonly object gate = new object();
        private readonly ManualResetEventSlim stopped = new ManualResetEventSlim();
        private Thread thread;
        private ITransport transport;
        private volatile string problem = "";
        private volatile int state = (int)LinkState.Stopped;

        public Link(Func<ITransport> make) => this.make = make;

        public Matcher Matcher { get; } = new Matcher();

        public LinkState State => (LinkState)state;

        /// <summary>Why it is not connected, or what was wrong with what came; empty where all is well.</summary>
        public string Problem => problem.Length > 0 ? problem : Matcher.Problem;

        /// <summary>Whether its thread is there.</summary>
        public bool IsRunning => thread != null && thread.IsAlive;

        /// <summary>The transport that is in use; null while there is none.</summary>
        public ITransport Transport
        {
            get
            {
                lock (gate)
                {
                    return transport;
                }
            }
        }

        /// <summary>A channel for the first output of a codec.</summary>
        public Channel Open(string codec, string bundle = "")
        {
            var channel = new Channel(codec, bundle);
            Matcher.Add(channel);
            return channel;
        }

        public void Start()
        {
            if (thread != null || stopped.IsSet)
            {
                throw new InvalidOperationException("a link starts once; make another");
            }
            thread = new Thread(Work) { Name = "reaction engine", IsBackground = true };
            thread.Start();
        }

        /// <summary>Ends the connection and the thread, and waits for it; at once for what it waits for
        /// itself.</summary>
        public void Dispose()
        {
            stopped.Set();
            Transport?.Stop();
            thread?.Join(JoinMs);
            state = (int)LinkState.Stopped;
        }

        private void Work()
        {
            int wait = SoonestMs;
            while (!stopped.IsSet)
            {
                state = (int)LinkState.Connecting;
                try
                {
                    ITransport next = make();
                    lock (gate)
                    {
                        transport = next;
                    }
                    if (stopped.IsSet) // Dispose came before the transport stood there
                    {
                        break;
                    }
                    Matcher.BeginAnew();
                    next.Run(Matcher, () =>
                    {
                        problem = "";
                        state = (int)LinkState.Connected;
                        wait = SoonestMs;
                    });
                    problem = "the engine closed the connection";
                }
                catch (TransportException error)
                {
                    problem = error.Message;
                    if (error.IsFinal)
                    {
                        state = (int)LinkState.Refused;
                        return;
                    }
                }
                catch (Exception error) // a thread that dies would do so unseen
                {
                    problem = error.GetType().Name + ": " + error.Message;
                }
                finally
                {
                    lock (gate)
                    {
                        transport = null;
                    }
                }
                if (!stopped.IsSet)
                {
                    state = (int)LinkState.Waiting;
                    stopped.Wait(wait);
                    wait = Math.Min(2 * wait, LatestMs);
                }
            }
        }
    }

    /// <summary>Finds the transport for an address by its scheme. NetMQ adds itself where it is installed.</summary>
    public static class Transports
    {
        private static readonly Dictionary<string, Func<TransportOptions, ITransport>> Makers =
            new Dictionary<string, Func<TransportOptions, ITransport>>
            {
                { "tcp", options => new ZmtpTransport(options.Address) },
                { "ws", options => new WebSocketTransport(options) },
                { "wss", options => new WebSocketTransport(options) },
            };

        public static void Register(string scheme, Func<TransportOptions, ITransport> make) => Makers[scheme] = make;

        /// <summary>Throws <see cref="TransportException"/> for an address that no transport knows.</summary>
        public static ITransport Make(TransportOptions options)
        {
            string scheme = options.Address.Split(':')[0].Trim().ToLowerInvariant();
            if (!Makers.TryGetValue(scheme, out Func<TransportOptions, ITransport> make))
            {
                throw new TransportException(
                    $"address \"{options.Address}\": write tcp://HOST:5570 (engine serve) or ws://HOST:8080/session "
                    + "(engine serve --listen)", true);
            }
            return make(options);
        }
    }

    /// <summary>Where an engine is, and what a session of one's own (WebSocket) is asked for.</summary>
    public sealed class TransportOptions
    {
        public string Address = "tcp://127.0.0.1:5570";

        /// <summary>Bundles of the session; empty: the first that the engine has.</summary>
        public string[] Bundles = Array.Empty<string>();

        /// <summary>What will be sent, such as "audio/partner".</summary>
        public string[] Gives = Array.Empty<string>();
        public uint Seed;
        public int SampleRate = 16000;

        /// <summary>Who turns the head: "face" or "body".</summary>
        public string Head = "face";
        public string Token = "";
    }
}
