// What the drivers share: they find the receiver, and hold its players while it lives.
using UnityEngine;

namespace ReactionEngine.Unity
{
    /// <summary>A component that draws what a <see cref="ReactionReceiver"/> receives.</summary>
    public abstract class ReactionBehaviour : MonoBehaviour
    {
        [Tooltip("Empty: one on this object or above, or the first in the scene")]
        [SerializeField] private ReactionReceiver receiver;

        [Tooltip("Of several bundles in a session, the one whose stream is drawn; empty: the first")]
        [SerializeField] private string bundle = "";

        public ReactionReceiver Receiver
        {
            get => receiver;
            set => receiver = value;
        }

        protected virtual void OnEnable()
        {
            if (receiver == null)
            {
                receiver = GetComponentInParent<ReactionReceiver>();
            }
            if (receiver == null)
            {
#if UNITY_2023_1_OR_NEWER
                receiver = FindAnyObjectByType<ReactionReceiver>();
#else
                receiver = FindObjectOfType<ReactionReceiver>();
#endif
            }
            if (receiver == null)
            {
                Debug.LogError($"{GetType().Name} on {name}: no ReactionReceiver in the scene; add one", this);
                enabled = false;
            }
        }

        /// <summary>The player of a codec; null while there is no receiver that runs.</summary>
        protected StreamPlayer Player(string codec) =>
            receiver != null && receiver.isActiveAndEnabled ? receiver.Player(codec, bundle) : null;
    }
}
