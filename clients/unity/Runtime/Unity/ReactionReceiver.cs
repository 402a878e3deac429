// The component that holds the connection: one thread receives, this component's Update gives every driver the pose of
// the moment. It is disabled cleanly when play stops, the object goes, or scripts are compiled again.
using System.Collections.Generic;
using UnityEngine;

namespace ReactionEngine.Unity
{
    /// <summary>Receives the streams of one engine. Put it anywhere; drivers find it, or are told.</summary>
    [AddComponentMenu("Reaction Engine/Receiver")]
    [DefaultExecutionOrder(-100)]
    [DisallowMultipleComponent]
    public sealed class ReactionReceiver : MonoBehaviour
    {
        private static readonly List<ReactionReceiver> Running = new List<ReactionReceiver>();

        [Tooltip("tcp://HOST:5570 for engine serve; ws://HOST:8080/session for a session of your own (--listen)")]
        [SerializeField] private string address = "tcp://127.0.0.1:5570";

        [Tooltip("The most that poses may be shown behind their capture, seconds")]
        [Range(0.02f, 1f)]
        [SerializeField] private float mostDelay = 0.5f;

        [Tooltip("Blends poses and shows them a little late; without it the newest is shown at once, and may jerk")]
        [SerializeField] private bool smooth = true;

        [Tooltip("Says on the screen that the engine records this session")]
        [SerializeField] private bool showRecording = true;

        [Header("A session of your own (ws:// or wss://)")]
        [Tooltip("Bundles of the engine; empty: its first")]
        [SerializeField] private string[] bundles = new string[0];

        [Tooltip("What this side sends, such as audio/partner (add a Microphone component)")]
        [SerializeField] private string[] gives = new string[0];

        [Tooltip("A token, where the engine wants one")]
        [SerializeField] private string token = "";

        [Tooltip("Sessions of one seed move alike")]
        [SerializeField] private int seed;

        private readonly List<StreamPlayer> players = new List<StreamPlayer>();
        private Link link;

        /// <summary>Where the engine is; a change counts when the component is enabled again.</summary>
        public string Address
        {
            get => address;
            set => address = value;
        }

        /// <summary>What is sent in a session of one's own; counts when the component is enabled again.</summary>
        public string[] Gives
        {
            get => gives;
            set => gives = value;
        }

        public string[] Bundles
        {
            get => bundles;
            set => bundles = value;
        }

        public LinkState State => link == null ? LinkState.Stopped : link.State;

        /// <summary>Why nothing comes, in words; empty where all is well.</summary>
        public string Problem => link == null ? "" : link.Problem;

        /// <summary>What the engine announced; null before.</summary>
        public Announcement Engine => link?.Matcher.Engine;

        public Matcher Matcher => link?.Matcher;

        /// <summary>The session of one's own that may be sent to; null where there is none.</summary>
        public WebSocketTransport Session => link?.Transport as WebSocketTransport;

        public IReadOnlyList<StreamPlayer> Players => players;

        /// <summary>Ends all connections; called before scripts are compiled again.</summary>
        public static void StopAll()
        {
            foreach (ReactionReceiver receiver in Running.ToArray())
            {
                receiver.Close();
            }
        }

        /// <summary>The player of the first output with a codec (of a bundle); each is made once. Null while the
        /// component is disabled.</summary>
        public StreamPlayer Player(string codec, string bundle = "")
        {
            if (link == null)
            {
                return null;
            }
            foreach (StreamPlayer each in players)
            {
                if (each.Channel.Codec == codec && each.Channel.Bundle == bundle)
                {
                    return each;
                }
            }
            var player = new StreamPlayer(link.Open(codec, bundle)) { MostDelayS = mostDelay, IsSmooth = smooth };
            players.Add(player);
            return player;
        }

        private void OnEnable()
        {
            var options = new TransportOptions
            {
                Address = address.Trim(),
                Bundles = bundles,
                Gives = gives,
                Token = token,
                Seed = (uint)Mathf.Max(seed, 0),
            };
            link = new Link(() => Transports.Make(options));
            link.Start();
            Running.Add(this);
        }

        private void OnDisable() => Close();

        private void Update()
        {
            long now = Monotonic.NowNs();
            foreach (StreamPlayer player in players)
            {
                player.Update(now);
            }
        }

        private void OnGUI()
        {
            Announcement engine = Engine;
            if (showRecording && engine != null && engine.IsRecording)
            {
                GUI.Label(new Rect(12, 8, 400, 24), "The engine is recording this session");
            }
        }

        private void Close()
        {
            Running.Remove(this);
            link?.Dispose();
            link = null;
            players.Clear(); // drivers ask again when it is enabled
        }
    }
}
