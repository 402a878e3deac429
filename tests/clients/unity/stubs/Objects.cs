// Signatures of Unity's API that the package calls, so that it is compiled where no Unity is. Declarations alone:
// nothing
// here does anything, and what compiles against it says nothing of how it behaves in Unity.
#pragma warning disable CS0067, CS0649, CS0660, CS0661
using System;

namespace UnityEngine
{
    public class Object
    {
        public string name { get => throw null; set => throw null; }

        public static implicit operator bool(Object exists) => throw null;

        public static bool operator ==(Object one, Object other) => throw null;

        public static bool operator !=(Object one, Object other) => throw null;

        public static void Destroy(Object it) => throw null;

        public static T Instantiate<T>(T original)
            where T : Object => throw null;

        public static T FindObjectOfType<T>()
            where T : Object => throw null;

        public static T FindAnyObjectByType<T>()
            where T : Object => throw null;
    }

    public class Component : Object
    {
        public Transform transform => throw null;

        public GameObject gameObject => throw null;

        public T GetComponent<T>() => throw null;

        public T GetComponentInParent<T>() => throw null;

        public T GetComponentInChildren<T>() => throw null;

        public T[] GetComponentsInChildren<T>() => throw null;
    }

    public class Behaviour : Component
    {
        public bool enabled { get => throw null; set => throw null; }

        public bool isActiveAndEnabled => throw null;
    }

    public class MonoBehaviour : Behaviour
    {
    }

    public sealed class GameObject : Object
    {
        public GameObject(string name)
        {
        }

        public Transform transform => throw null;

        public static GameObject CreatePrimitive(PrimitiveType type) => throw null;

        public T AddComponent<T>()
            where T : Component => throw null;

        public T GetComponentInChildren<T>() => throw null;

        public void SetActive(bool value) => throw null;
    }

    public class Transform : Component
    {
        public Vector3 position { get => throw null; set => throw null; }

        public Vector3 localPosition { get => throw null; set => throw null; }

        public Vector3 localScale { get => throw null; set => throw null; }

        public Quaternion rotation { get => throw null; set => throw null; }

        public Quaternion localRotation { get => throw null; set => throw null; }

        public Vector3 TransformPoint(Vector3 at) => throw null;

        public Vector3 InverseTransformPoint(Vector3 at) => throw null;

        public void SetParent(Transform parent, bool worldPositionStays) => throw null;
    }

    public enum PrimitiveType
    {
        Sphere,
        Cube,
    }

    public sealed class Animator : Behaviour
    {
        public bool isHuman => throw null;

        public RuntimeAnimatorController runtimeAnimatorController { get => throw null; set => throw null; }

        public Transform GetBoneTransform(HumanBodyBones bone) => throw null;
    }

    public class RuntimeAnimatorController : Object
    {
    }

    public enum HumanBodyBones
    {
        Hips, LeftUpperLeg, RightUpperLeg, LeftLowerLeg, RightLowerLeg, LeftFoot, RightFoot, Spine, Chest, Neck, Head,
        LeftShoulder, RightShoulder, LeftUpperArm, RightUpperArm, LeftLowerArm, RightLowerArm, LeftHand, RightHand,
        LeftToes, RightToes, LeftEye, RightEye, Jaw, UpperChest = 54, LastBone,
    }

    public class Renderer : Component
    {
        public Material material { get => throw null; set => throw null; }
    }

    public sealed class SkinnedMeshRenderer : Renderer
    {
        public Mesh sharedMesh { get => throw null; set => throw null; }

        public void SetBlendShapeWeight(int index, float value) => throw null;
    }

    public sealed class Mesh : Object
    {
        public int blendShapeCount => throw null;

        public string GetBlendShapeName(int shapeIndex) => throw null;
    }

    public class Material : Object
    {
        public Color color { get => throw null; set => throw null; }
    }

    public class TextAsset : Object
    {
        public string text => throw null;
    }

    public sealed class Camera : Behaviour
    {
        public static Camera main => throw null;

        public Color backgroundColor { get => throw null; set => throw null; }

        public CameraClearFlags clearFlags { get => throw null; set => throw null; }
    }

    public enum CameraClearFlags
    {
        SolidColor = 2,
    }

    public sealed class Light : Behaviour
    {
        public LightType type { get => throw null; set => throw null; }
    }

    public enum LightType
    {
        Directional = 1,
    }

    public sealed class AudioClip : Object
    {
        public bool GetData(float[] data, int offsetSamples) => throw null;
    }

    public static class Microphone
    {
        public static string[] devices => throw null;

        public static AudioClip Start(string deviceName, bool loop, int lengthSec, int frequency) => throw null;

        public static void End(string deviceName) => throw null;

        public static int GetPosition(string deviceName) => throw null;
    }

    public static class Application
    {
        public static bool isPlaying => throw null;
    }

    public static class Debug
    {
        public static void LogError(object message, Object context) => throw null;

        public static void LogWarning(object message, Object context) => throw null;
    }

    public static class GUI
    {
        public static void Label(Rect position, string text) => throw null;
    }

    public static class GUILayout
    {
        public static bool Button(string text, params GUILayoutOption[] options) => throw null;
    }

    public sealed class GUILayoutOption
    {
    }
}
