// From the thread that receives to the thread that draws: the newest few frames, no more. Frames are buffers that go
// round, so nothing is allocated while it runs; the lock is held for swaps of references alone.
namespace ReactionEngine
{
    /// <summary>Holds the newest <see cref="Capacity"/> frames of a stream; the oldest goes when another
    /// comes.</summary>
    public sealed class Mailbox
    {
        /// <summary>Half a second of 30 frames/s: what a drawing thread that hung for a moment still wants.</summary>
        public const int Capacity = 16;

        private readonly object gate = new object();
        private readonly Frame[] waiting = new Frame[Capacity];
        private readonly Frame[] spare = new Frame[Capacity + 2];
        private int first;
        private int count;
        private int spares;
        private int overwritten;

        /// <summary>Frames that nobody took before newer ones needed their place.</summary>
        public int Overwritten
        {
            get
            {
                lock (gate)
                {
                    return overwritten;
                }
            }
        }

        /// <summary>A buffer to write the next frame into; the receiving thread's.</summary>
        public Frame Rent()
        {
            lock (gate)
            {
                return spares > 0 ? spare[--spares] : new Frame();
            }
        }

        /// <summary>Hands over a frame that was written into a rented buffer.</summary>
        public void Put(Frame frame)
        {
            lock (gate)
            {
                if (count == Capacity)
                {
                    GiveBack(Oldest());
                    overwritten++;
                }
                waiting[(first + count++) % Capacity] = frame;
            }
        }

        /// <summary>Gives the buffer back without a frame in it.</summary>
        public void Return(Frame frame)
        {
            lock (gate)
            {
                GiveBack(frame);
            }
        }

        /// <summary>Swaps the oldest frame that waits for <paramref name="mine"/> (null at first); false: none waits.
        /// </summary>
        public bool Take(ref Frame mine)
        {
            lock (gate)
            {
                if (count == 0)
                {
                    return false;
                }
                GiveBack(mine);
                mine = Oldest();
                return true;
            }
        }

        /// <summary>Swaps the newest frame for <paramref name="mine"/>; those before it are dropped.</summary>
        public bool TakeNewest(ref Frame mine)
        {
            lock (gate)
            {
                if (count == 0)
                {
                    return false;
                }
                while (count > 1)
                {
                    GiveBack(Oldest());
                }
                GiveBack(mine);
                mine = Oldest();
                return true;
            }
        }

        private Frame Oldest()
        {
            Frame frame = waiting[first];
            waiting[first] = null;
            first = (first + 1) % Capacity;
            count--;
            return frame;
        }

        private void GiveBack(Frame frame)
        {
            if (frame != null && spares < spare.Length)
            {
                spare[spares++] = frame;
            }
        }
    }
}
