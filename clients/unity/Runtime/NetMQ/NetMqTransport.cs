// The same subscription through NetMQ, for those who use it already (UPM package org.nuget.netmq, or NuGet and the
// symbol REACTION_NETMQ): it takes the place of the plain TCP subscriber for tcp:// addresses.
#if REACTION_NETMQ
using System;
using System.Threading;
using AsyncIO;
using NetMQ;
using NetMQ.Sockets;
using UnityEngine;

namespace ReactionEngine.Unity
{
    /// <summary>One subscriber socket, made, read and disposed on the link's thread.</summary>
    public sealed class NetMqTransport : ITransport
    {
        private const int Waiting = 64;
        private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(100);

        /// <summary>Turns without a message, six seconds, after which it is connected anew: an engine with a session
        /// announces it every second.</summary>
        private const int Silent = 60;
        private static int open;
        private readonly string address;
        private volatile bool stopped;

        public NetMqTransport(string address) => this.address = address;

        public void Stop() => stopped = true;

        public void Run(Matcher matcher, Action connected)
        {
            ForceDotNet.Force(); // before the first socket: Unity's runtime has no completion ports of its own
            Interlocked.Increment(ref open);
            try
            {
                using (var socket = new SubscriberSocket())
                {
                    socket.Options.Linger = TimeSpan.Zero;
                    socket.Options.ReceiveHighWatermark = Waiting;
                    socket.Connect(address);
                    socket.Subscribe("RXN1");
                    socket.Subscribe("RXA1");
                    bool isConnected = false, isPart = false;
                    int idle = 0;
                    while (!stopped) // reads whatever is there: the mailbox keeps the newest
                    {
                        if (socket.TryReceiveFrameBytes(Turn, out byte[] message, out bool more))
                        {
                            idle = 0;
                            if (!isConnected)
                            {
                                isConnected = true;
                                connected(); // NetMQ connects by itself; what comes shows that it has
                            }
                            if (!more && !isPart)
                            {
                                matcher.Take(message, 0, message.Length, Monotonic.NowNs());
                            }
                            isPart = more;
                        }
                        else if (++idle > Silent)
                        {
                            throw new TransportException($"nothing comes from {address}: is an engine there?");
                        }
                    }
                }
            }
            catch (NetMQException error)
            {
                throw new TransportException($"no engine at {address}: {error.Message}");
            }
            finally
            {
                if (Interlocked.Decrement(ref open) == 0)
                {
                    NetMQConfig.Cleanup(false); // when every socket is gone, or the editor hangs when play stops
                }
            }
        }

        [RuntimeInitializeOnLoadMethod(RuntimeInitializeLoadType.BeforeSceneLoad)]
        private static void Register() => Transports.Register("tcp", options => new NetMqTransport(options.Address));
    }
}
#endif
