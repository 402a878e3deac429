// Head, neck and eyes: the six numbers of the head and the looks of the codec "arkit58" onto bones, on top of what a
// body stream or an animation does with them.
using UnityEngine;

namespace ReactionEngine.Unity
{
    /// <summary>Turns the head as the face stream says. Bones are those of a Humanoid, or are given.</summary>
    [AddComponentMenu("Reaction Engine/Head Driver")]
    [DefaultExecutionOrder(30)]
    public sealed class HeadDriver : ReactionBehaviour
    {
        [Tooltip("Empty: the head of the Humanoid on this object or below")]
        [SerializeField] private Transform head;
        [SerializeField] private Transform neck;
        [SerializeField] private Transform leftEye;
        [SerializeField] private Transform rightEye;

        [Tooltip("How much of the turn the neck takes, where there is one")]
        [Range(0f, 1f)]
        [SerializeField] private float neckShare = 0.4f;

        [Tooltip("Whether the head also moves as the stream says, by some centimetres")]
        [SerializeField] private bool moveHead;

        [Tooltip("How far the eyes turn at most, degrees; 0 where blendshapes turn them")]
        [Range(0f, 45f)]
        [SerializeField] private float eyeDegrees;

        private Transform root;
        private Animator animator;
        private SkeletonDriver body;
        private StreamPlayer player;
        private HeadPose pose;
        private int version;
        private Transform[] bones = new Transform[0];
        private Vector3 restPosition;
        private Quaternion[] rest = new Quaternion[0];

        /// <summary>The bone of the head, for avatars that are no Humanoid.</summary>
        public Transform Head
        {
            get => head;
            set => head = value;
        }

        protected override void OnEnable()
        {
            base.OnEnable();
            animator = GetComponentInChildren<Animator>();
            body = GetComponentInChildren<SkeletonDriver>();
            bool isHuman = animator != null && animator.isHuman;
            root = animator != null ? animator.transform : transform;
            head = Found(head, isHuman, HumanBodyBones.Head);
            neck = Found(neck, isHuman, HumanBodyBones.Neck);
            leftEye = Found(leftEye, isHuman, HumanBodyBones.LeftEye);
            rightEye = Found(rightEye, isHuman, HumanBodyBones.RightEye);
            if (head == null)
            {
                Debug.LogError($"{name}: no head: give its bone, or set the model's Rig to Humanoid", this);
                enabled = false;
                return;
            }
            bones = System.Array.FindAll(new[] { neck, head, leftEye, rightEye }, bone => bone != null);
            restPosition = head.localPosition;
            rest = System.Array.ConvertAll(bones, bone => bone.localRotation);
        }

        private void OnDisable()
        {
            player = null;
            BackToRest(false);
        }

        private void LateUpdate()
        {
            StreamPlayer next = Player("arkit58");
            if (next == null || next.Info == null)
            {
                return;
            }
            if (next != player || next.Version != version)
            {
                player = next;
                version = next.Version;
                pose = new HeadPose(next.Info.Names);
            }
            BackToRest(true);
            Quaternion turn = Quaternion.Slerp(Quaternion.identity, Axes.ToUnity(pose.Rotation(player.Values)),
                player.Presence);
            float share = neck != null ? neckShare : 0;
            Turned(neck, Quaternion.Slerp(Quaternion.identity, turn, share));
            Turned(head, Quaternion.Slerp(Quaternion.identity, turn, 1 - share));
            if (moveHead)
            {
                Vector3 moved = Axes.ToUnity(pose.Position(player.Values) * player.Presence);
                head.position = head.position + root.rotation * moved;
            }
            if (eyeDegrees > 0)
            {
                float most = eyeDegrees * Mathf.Deg2Rad * player.Presence;
                Turned(leftEye, Axes.ToUnity(pose.Eye(player.Values, true, most)));
                Turned(rightEye, Axes.ToUnity(pose.Eye(player.Values, false, most)));
            }
        }

        /// <summary>Turns a bone in the axes of the avatar, from wherever it is.</summary>
        private void Turned(Transform bone, Quaternion turn)
        {
            if (bone != null)
            {
                bone.rotation = root.rotation * turn * Quaternion.Inverse(root.rotation) * bone.rotation;
            }
        }

        private Transform Found(Transform given, bool isHuman, HumanBodyBones bone) =>
            given == null && isHuman ? animator.GetBoneTransform(bone) : given;

        /// <summary>Sets the bones back; while it plays only those that neither an animation nor a body sets each
        /// frame: what is added to them would add up.</summary>
        private void BackToRest(bool isPlaying)
        {
            bool isAnimated = isPlaying && animator != null && animator.runtimeAnimatorController != null;
            for (int index = 0; index < bones.Length; index++)
            {
                Transform bone = bones[index];
                if (bone != null && !isAnimated && !(isPlaying && body != null && body.Drives(bone)))
                {
                    bone.localRotation = rest[index];
                }
            }
            if (bones.Length > 0 && moveHead && head != null)
            {
                head.localPosition = restPosition; // which bodies and Humanoid animations leave alone
            }
        }
    }
}
