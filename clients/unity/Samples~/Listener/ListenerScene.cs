// A scene made by code, without any asset: a camera, a light, a receiver and a figure of boxes whose head, lids, brows
// and mouth follow the face stream, and whose limbs follow a body stream as the joints lie. Put this script on an empty
// object of an empty scene, start `engine serve`, press play. To see your own avatar instead, give it in "avatar".
using System.Collections.Generic;
using ReactionEngine;
using ReactionEngine.Unity;
using UnityEngine;

public sealed class ListenerScene : MonoBehaviour
{
    [Tooltip("A model with blendshapes (ARKit, VRM, Oculus names), Humanoid for its body; empty: a figure of boxes")]
    [SerializeField] private GameObject avatar;

    [SerializeField] private string address = "tcp://127.0.0.1:5570";

    private readonly Dictionary<string, Transform> parts = new Dictionary<string, Transform>();
    private readonly List<Transform> joints = new List<Transform>();
    private ReactionReceiver receiver;
    private StreamPlayer face;
    private StreamPlayer body;
    private HeadPose head;
    private int faceVersion;
    private string[] names = new string[0];

    private void Start()
    {
        var holder = new GameObject("Receiver");
        holder.SetActive(false); // told where the engine is before it is enabled
        receiver = holder.AddComponent<ReactionReceiver>();
        receiver.Address = address;
        holder.SetActive(true);
        MakeStage();
        if (avatar != null)
        {
            GameObject made = Instantiate(avatar);
            made.transform.rotation = Quaternion.Euler(0, 180, 0); // towards the camera
            made.AddComponent<BlendshapeDriver>();
            Animator animator = made.GetComponentInChildren<Animator>();
            if (animator != null && animator.isHuman)
            {
                made.AddComponent<SkeletonDriver>();
                made.AddComponent<HeadDriver>();
            }
            return;
        }
        MakeHead();
        face = receiver.Player("arkit58");
        body = receiver.Player("joints");
    }

    private void LateUpdate()
    {
        if (face != null && face.Info != null)
        {
            MoveHead();
        }
        if (body != null && body.Info != null)
        {
            MoveJoints();
        }
    }

    private void MakeStage()
    {
        Camera camera = Camera.main;
        if (camera == null)
        {
            camera = new GameObject("Camera").AddComponent<Camera>();
        }
        camera.transform.position = new Vector3(0, 1.5f, -2.2f);
        camera.backgroundColor = new Color(0.16f, 0.17f, 0.2f);
        camera.clearFlags = CameraClearFlags.SolidColor;
        Light light = new GameObject("Light").AddComponent<Light>();
        light.type = LightType.Directional;
        light.transform.rotation = Quaternion.Euler(40, 30, 0);
    }

    private void MakeHead()
    {
        Transform whole = new GameObject("Head").transform;
        whole.position = new Vector3(0, 1.5f, 0);
        whole.rotation = Quaternion.Euler(0, 180, 0);
        parts["head"] = new GameObject("Turned").transform;
        parts["head"].SetParent(whole, false);
        var skin = new Color(0.85f, 0.68f, 0.58f);
        var lips = new Color(0.5f, 0.15f, 0.15f);
        var hair = new Color(0.3f, 0.2f, 0.15f);
        Part("skull", PrimitiveType.Sphere, new Vector3(0, 0, 0), new Vector3(0.42f, 0.55f, 0.45f), skin);
        Part("mouth", PrimitiveType.Cube, new Vector3(0, -0.14f, 0.2f), new Vector3(0.12f, 0.01f, 0.03f), lips);
        foreach (float side in new[] { -1f, 1f }) // the figure's left is at -X
        {
            string of = side < 0 ? "Left" : "Right";
            var eye = new Vector3(0.09f * side, 0.05f, 0.19f);
            var brow = new Vector3(0.09f * side, 0.12f, 0.21f);
            Part("eye" + of, PrimitiveType.Sphere, eye, new Vector3(0.07f, 0.05f, 0.05f), Color.black);
            Part("brow" + of, PrimitiveType.Cube, brow, new Vector3(0.1f, 0.015f, 0.02f), hair);
        }
    }

    private void Part(string name, PrimitiveType type, Vector3 at, Vector3 size, Color color)
    {
        Transform part = GameObject.CreatePrimitive(type).transform;
        part.name = name;
        part.SetParent(parts["head"], false);
        part.localPosition = at;
        part.localScale = size;
        part.GetComponent<Renderer>().material.color = color;
        parts[name] = part;
    }

    private void MoveHead()
    {
        if (face.Version != faceVersion)
        {
            faceVersion = face.Version;
            head = new HeadPose(face.Info.Names);
            names = face.Info.Names;
        }
        parts["head"].localRotation = Axes.ToUnity(head.Rotation(face.Values));
        float smile = (Weight("mouthSmileLeft") + Weight("mouthSmileRight")) / 2;
        parts["mouth"].localScale = new Vector3(0.12f + 0.08f * smile, 0.01f + 0.09f * Weight("jawOpen"), 0.03f);
        foreach (string side in new[] { "Left", "Right" })
        {
            parts["eye" + side].localScale = new Vector3(0.07f, 0.05f * (1 - 0.9f * Weight("eyeBlink" + side)), 0.05f);
            float raised = Weight("browInnerUp") + Weight("browOuterUp" + side) - Weight("browDown" + side);
            Vector3 at = parts["brow" + side].localPosition;
            parts["brow" + side].localPosition = new Vector3(at.x, 0.12f + 0.03f * raised, at.z);
        }
    }

    private float Weight(string name)
    {
        int at = System.Array.IndexOf(names, name);
        return at < 0 ? 0 : face.Values[at];
    }

    private void MoveJoints()
    {
        for (int joint = joints.Count; joint < body.Values.Length / 3; joint++)
        {
            joints.Add(GameObject.CreatePrimitive(PrimitiveType.Sphere).transform);
            joints[joint].localScale = 0.06f * Vector3.one;
        }
        for (int joint = 0; joint < body.Values.Length / 3; joint++)
        {
            var at = new System.Numerics.Vector3(body.Values[3 * joint], body.Values[3 * joint + 1],
                body.Values[3 * joint + 2]);
            Vector3 place = Axes.ToUnity(Turn.ToUnity(at));
            // beside the head, facing the camera
            joints[joint].position = new Vector3(1.2f - place.x, place.y, -place.z);
        }
    }
}
