// The mailbox between two threads: the newest frames, in order, in buffers that go round.
using System.Collections.Generic;
using System.Threading;

namespace ReactionEngine.Tests
{
    public static class MailboxTests
    {
        [Test]
        public static void AMailboxKeepsTheNewest()
        {
            var mailbox = new Mailbox();
            for (ulong seq = 0; seq < 40; seq++)
            {
                Frame rented = mailbox.Rent();
                rented.Seq = seq;
                mailbox.Put(rented);
            }
            Frame mine = null;
            Check.That(mailbox.Take(ref mine), "there are some");
            Check.Equal(40UL - Mailbox.Capacity, mine.Seq, "the oldest that is kept");
            Check.Equal(40 - Mailbox.Capacity, mailbox.Overwritten, "overwritten");
            Check.That(mailbox.TakeNewest(ref mine) && mine.Seq == 39, "the newest");
            Check.That(!mailbox.Take(ref mine) && !mailbox.TakeNewest(ref mine) && mine.Seq == 39, "and no more");
        }

        [Test]
        public static void BuffersGoRoundBetweenTwoThreads()
        {
            const int frames = 20_000;
            var mailbox = new Mailbox();
            var buffers = new HashSet<Frame>();
            var writer = new Thread(() =>
            {
                for (ulong seq = 1; seq <= frames; seq++)
                {
                    Frame frame = mailbox.Rent();
                    buffers.Add(frame);
                    frame.Seq = seq;
                    frame.Values = frame.Values.Length == 2 ? frame.Values : new float[2];
                    frame.Values[0] = frame.Values[1] = seq;
                    mailbox.Put(frame);
                }
            });
            writer.Start();
            Frame mine = null;
            ulong last = 0;
            bool isWhole = true;
            while (last < frames)
            {
                if (mailbox.Take(ref mine))
                {
                    isWhole &= mine.Seq > last && mine.Values[0] == mine.Seq && mine.Values[1] == mine.Seq;
                    last = mine.Seq;
                }
            }
            writer.Join();
            Check.That(isWhole, "frames come in order, and nobody writes into one that is read");
            Check.That(buffers.Count <= Mailbox.Capacity + 2, $"{buffers.Count} buffers");
        }
    }
}
