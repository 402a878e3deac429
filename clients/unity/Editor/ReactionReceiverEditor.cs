// The receiver's inspector while it plays: whether it is connected, what comes and how late; and a stop before scripts
// are compiled again, as a thread that goes on would hold the editor.
using ReactionEngine.Unity;
using UnityEditor;
using UnityEngine;

namespace ReactionEngine.Editor
{
    [CustomEditor(typeof(ReactionReceiver))]
    public sealed class ReactionReceiverEditor : UnityEditor.Editor
    {
        public override bool RequiresConstantRepaint() => Application.isPlaying;

        public override void OnInspectorGUI()
        {
            DrawDefaultInspector();
            var receiver = (ReactionReceiver)target;
            if (!Application.isPlaying || receiver.Matcher == null)
            {
                return;
            }
            EditorGUILayout.Space();
            EditorGUILayout.LabelField("State", receiver.State.ToString());
            if (receiver.Problem.Length > 0)
            {
                EditorGUILayout.HelpBox(receiver.Problem, MessageType.Warning);
            }
            Announcement engine = receiver.Engine;
            if (engine != null)
            {
                string more = engine.IsRecording ? ", recording" : "";
                EditorGUILayout.LabelField("Engine", $"{engine.Bundle}, session {engine.Session}{more}");
            }
            foreach (StreamPlayer player in receiver.Players)
            {
                Show(player);
            }
            EditorGUILayout.LabelField(
                "Not described", $"{receiver.Matcher.Undescribed}, contradicting {receiver.Matcher.Mismatched}");
        }

        private static void Show(StreamPlayer player)
        {
            string what = player.Channel.Codec;
            if (player.Info == null)
            {
                EditorGUILayout.LabelField(what, "not sent by this engine (yet)");
                return;
            }
            EditorGUILayout.LabelField(
                what,
                $"{player.Info.Name} of {player.Info.Bundle}: {player.Rate:0.0}/s, shown {player.DelayMs:0} ms after "
                + "capture");
            EditorGUILayout.LabelField(
                " ",
                $"lost {player.Channel.Lost}, late {player.Channel.Late}, held {player.Channel.Held}, "
                + $"waited {player.Waits}"
                + (player.Flags == FrameFlags.None ? "" : $", {player.Flags}"));
        }
    }

    /// <summary>Ends connections before the domain is reloaded.</summary>
    [InitializeOnLoad]
    internal static class ReloadGuard
    {
        static ReloadGuard() => AssemblyReloadEvents.beforeAssemblyReload += ReactionReceiver.StopAll;
    }
}
