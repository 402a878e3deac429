// The microphone of this machine as the partner's voice, in a session of one's own (ws://).
using UnityEngine;

namespace ReactionEngine.Unity
{
    /// <summary>Sends what a microphone hears. The receiver's "gives" must name it: audio/partner.</summary>
    [AddComponentMenu("Reaction Engine/Microphone")]
    public sealed class ReactionMicrophone : ReactionBehaviour
    {
        private const int Hertz = 16000;
        private const int SecondsKept = 2;

        /// <summary>Samples sent at once: 20 ms.</summary>
        private const int Block = Hertz / 50;

        [Tooltip("Empty: the system's")]
        [SerializeField] private string device = "";

        [SerializeField] private string gives = "audio/partner";

        private readonly float[] block = new float[Block];
        private AudioClip clip;
        private int read;

        /// <summary>Whether sound goes to the engine now.</summary>
        public bool IsSending { get; private set; }

        protected override void OnEnable()
        {
            base.OnEnable();
            if (Microphone.devices.Length == 0)
            {
                Debug.LogError($"{name}: no microphone; allow it for this program, or plug one in", this);
                enabled = false;
                return;
            }
            clip = Microphone.Start(Device, true, SecondsKept, Hertz);
            read = 0;
        }

        private void OnDisable()
        {
            IsSending = false;
            if (clip != null)
            {
                Microphone.End(Device);
                Destroy(clip);
                clip = null;
            }
        }

        private void Update()
        {
            if (clip == null)
            {
                return;
            }
            int length = SecondsKept * Hertz;
            int there = (Microphone.GetPosition(Device) - read + length) % length;
            long now = Monotonic.NowNs();
            WebSocketTransport session = Receiver == null ? null : Receiver.Session;
            for (; there >= Block; there -= Block)
            {
                clip.GetData(block, read);
                read = (read + Block) % length;
                long captured = now - (there - Block) * 1_000_000_000L / Hertz;
                IsSending = session != null && session.SendSound(gives, block, Block, captured);
            }
        }

        private string Device => string.IsNullOrEmpty(device) ? null : device;
    }
}
