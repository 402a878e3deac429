// Signatures of the editor's API, of NetMQ 4 with AsyncIO, and of UniVRM 1.0; see Objects.cs.
#pragma warning disable CS0067
using System;
using UnityEngine;

namespace UnityEditor
{
    public class Editor : UnityEngine.Object
    {
        public UnityEngine.Object target => throw null;

        public virtual void OnInspectorGUI() => throw null;

        public virtual bool RequiresConstantRepaint() => throw null;

        public bool DrawDefaultInspector() => throw null;
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class CustomEditor : Attribute
    {
        public CustomEditor(Type inspectedType)
        {
        }
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class InitializeOnLoadAttribute : Attribute
    {
    }

    public static class AssemblyReloadEvents
    {
        public delegate void AssemblyReloadCallback();

        public static event AssemblyReloadCallback beforeAssemblyReload;
    }

    public enum MessageType
    {
        None,
        Info,
        Warning,
        Error,
    }

    public static class EditorGUILayout
    {
        public static void Space() => throw null;

        public static void LabelField(string label, string label2, params GUILayoutOption[] options) => throw null;

        public static void HelpBox(string message, MessageType type) => throw null;
    }

    public static class EditorUtility
    {
        public static string SaveFilePanelInProject(string title, string defaultName, string extension, string message)
            => throw null;

        public static void SetDirty(UnityEngine.Object target) => throw null;
    }

    public static class AssetDatabase
    {
        public static void ImportAsset(string path) => throw null;

        public static T LoadAssetAtPath<T>(string assetPath)
            where T : UnityEngine.Object => throw null;
    }

    public static class Undo
    {
        public static void RecordObject(UnityEngine.Object objectToUndo, string name) => throw null;
    }
}

namespace AsyncIO
{
    public static class ForceDotNet
    {
        public static void Force() => throw null;
    }
}

namespace NetMQ
{
    public class NetMQException : Exception
    {
    }

    public static class NetMQConfig
    {
        public static void Cleanup(bool block) => throw null;
    }

    public class SocketOptions
    {
        public TimeSpan Linger { get => throw null; set => throw null; }

        public int ReceiveHighWatermark { get => throw null; set => throw null; }
    }

    public interface IReceivingSocket
    {
    }

    public abstract class NetMQSocket : IReceivingSocket, IDisposable
    {
        public SocketOptions Options => throw null;

        public void Connect(string address) => throw null;

        public void Dispose() => throw null;
    }

    public static class ReceivingSocketExtensions
    {
        public static bool TryReceiveFrameBytes(
            this IReceivingSocket socket, TimeSpan timeout, out byte[] bytes, out bool more) => throw null;
    }
}

namespace NetMQ.Sockets
{
    public class SubscriberSocket : NetMQSocket
    {
        public void Subscribe(string topic) => throw null;
    }
}

namespace UniVRM10
{
    public enum ExpressionPreset
    {
        custom, happy, angry, sad, relaxed, surprised, aa, ih, ou, ee, oh, blink, blinkLeft, blinkRight, lookUp,
            lookDown,
        lookLeft, lookRight, neutral,
    }

    public struct ExpressionKey
    {
        public static ExpressionKey CreateFromPreset(ExpressionPreset preset) => throw null;
    }

    public class Vrm10Instance : MonoBehaviour
    {
        public Vrm10Runtime Runtime => throw null;
    }

    public class Vrm10Runtime
    {
        public Vrm10RuntimeExpression Expression => throw null;
    }

    public class Vrm10RuntimeExpression
    {
        public void SetWeight(ExpressionKey expressionKey, float weight) => throw null;
    }
}
