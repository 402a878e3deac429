// A link's thread: it ends when it is told to, whatever it waits for, and starts once.
using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;

namespace ReactionEngine.Tests
{
    public static class LinkTests
    {
        [Test]
        public static void ALinkEndsWhateverItWaitsFor()
        {
            var silent = new TcpListener(IPAddress.Loopback, 0); // takes connections, and never says a word
            silent.Start();
            int port = ((IPEndPoint)silent.LocalEndpoint).Port;
            foreach (string address in new[] { $"tcp://127.0.0.1:{port}", $"ws://127.0.0.1:{port}/session" })
            {
                var link = new Link(() => Transports.Make(new TransportOptions { Address = address }));
                link.Start();
                using (TcpClient peer = silent.AcceptTcpClient()) // so it is connected and waits
                {
                    Check.That(link.IsRunning, "its thread runs");
                    link.Dispose();
                    Check.That(!link.IsRunning, $"the thread to {address} has ended");
                }
                Check.Equal(LinkState.Stopped, link.State, "state");
            }
            silent.Stop();
        }

        [Test]
        public static void ALinkThatWaitsToTryAgainEndsAtOnce()
        {
            using (var tried = new CountdownEvent(2))
            {
                var link = new Link(() =>
                {
                    if (!tried.IsSet)
                    {
                        tried.Signal();
                    }
                    throw new TransportException("nobody there");
                });
                link.Start();
                Check.That(tried.Wait(30_000), "it tries again");
                Check.Equal("nobody there", link.Problem, "and says why");
                link.Dispose();
                Check.That(!link.IsRunning, "ended");
                Check.Throws<InvalidOperationException>(link.Start);
            }
        }

        [Test]
        public static void WhatIsRefusedForGoodIsNotTriedAgain()
        {
            int tries = 0;
            var link = new Link(() =>
            {
                tries++;
                throw new TransportException("no such bundle", true);
            });
            link.Start();
            Check.That(SpinWait.SpinUntil(() => !link.IsRunning, 30_000), "its thread ends by itself");
            Check.Equal("1 Refused no such bundle", $"{tries} {link.State} {link.Problem}", "once");
            link.Dispose();
        }

        [Test]
        public static void AFaultOfATransportEndsNoThread()
        {
            int tries = 0;
            var link = new Link(() => ++tries < 3 ? throw new InvalidOperationException("a fault") : new Quiet());
            link.Start();
            Check.That(SpinWait.SpinUntil(() => link.State == LinkState.Connected, 30_000), "goes on after two faults");
            Check.That(link.Problem.Length == 0, "all is well then");
            link.Dispose();
            Check.That(!link.IsRunning, "ended");
        }

        /// <summary>Connects and waits until it is stopped.</summary>
        private sealed class Quiet : ITransport
        {
            private readonly ManualResetEventSlim stopped = new ManualResetEventSlim();

            public void Run(Matcher matcher, Action connected)
            {
                connected();
                stopped.Wait();
            }

            public void Stop() => stopped.Set();
        }
    }
}
