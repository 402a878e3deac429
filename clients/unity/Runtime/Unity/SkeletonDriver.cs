// The body: the codecs "quaternions" and "joints" onto the bones of a Humanoid avatar, whatever its rest pose.
using System;
using System.Collections.Generic;
using UnityEngine;

namespace ReactionEngine.Unity
{
    /// <summary>Turns the bones of a Humanoid <see cref="Animator"/>. Its pose when the component is enabled first
    /// counts
    /// as its rest pose: a T or an A, as models have them before anything animates them.</summary>
    [AddComponentMenu("Reaction Engine/Skeleton Driver")]
    [DefaultExecutionOrder(20)]
    public sealed class SkeletonDriver : ReactionBehaviour
    {
        [Tooltip("Empty: the one on this object or below")]
        [SerializeField] private Animator animator;

        [Tooltip("Lines of joint, bone (Unity's name); goes before what is found by name")]
        [SerializeField] private TextAsset table;

        [Tooltip("Whether the hips move through the room, and not only turn")]
        [SerializeField] private bool moveHips = true;

        [Range(0f, 1f)]
        [SerializeField] private float strength = 1f;

        private readonly Dictionary<string, Transform> bones = new Dictionary<string, Transform>();
        private readonly List<RestBone> rest = new List<RestBone>();
        private readonly List<Pose> local = new List<Pose>();
        private Transform[] targets = new Transform[0];
        private Quaternion[] resting = new Quaternion[0];
        private Retargeter retargeter;
        private BodyPose pose;
        private StreamPlayer player;
        private int version;
        private Vector3 restingHips;

        /// <summary>Whether a body is shown now.</summary>
        public bool IsDriving { get; private set; }

        /// <summary>Why none is shown, in words; empty where one is or none is sent.</summary>
        public string Problem { get; private set; } = "";

        /// <summary>Whether it sets this bone in each frame now.</summary>
        public bool Drives(Transform bone) => IsDriving && Array.IndexOf(targets, bone) >= 0;

        public Animator Animator
        {
            get => animator;
            set => animator = value;
        }

        protected override void OnEnable()
        {
            base.OnEnable();
            if (animator == null)
            {
                animator = GetComponentInChildren<Animator>();
            }
            if (animator == null || !animator.isHuman)
            {
                Problem = "no Animator with a Humanoid avatar: set the model's Rig to Humanoid";
                Debug.LogError($"{name}: {Problem}", this);
                enabled = false;
                return;
            }
            if (rest.Count == 0)
            {
                ReadRest();
            }
        }

        private void OnDisable()
        {
            IsDriving = false;
            player = null;
            for (int bone = 0; bone < rest.Count; bone++)
            {
                Transform each = bones[rest[bone].Name];
                if (each != null)
                {
                    each.localRotation = local[bone].rotation;
                    each.localPosition = local[bone].position;
                }
            }
        }

        private void LateUpdate()
        {
            StreamPlayer turns = Player("quaternions"), places = Player("joints");
            StreamPlayer next = turns != null && turns.Info != null && turns.Presence > 0 ? turns : places;
            IsDriving = next != null && next.Info != null && Choose(next) && next.Presence > 0;
            if (!IsDriving)
            {
                return;
            }
            bool hasRoot = moveHips && places.Info != null && places.Info.Skeleton == next.Info.Skeleton;
            if (next == turns)
            {
                pose.ReadQuaternions(next.Values);
                if (hasRoot)
                {
                    pose.ReadRoot(places.Values);
                }
            }
            else
            {
                pose.ReadJoints(next.Values);
            }
            retargeter.Apply(pose, hasRoot);
            Show(strength * next.Presence, hasRoot);
        }

        private void Show(float part, bool hasRoot)
        {
            Transform root = animator.transform;
            Quaternion turn = root.rotation;
            for (int bone = 0; bone < targets.Length; bone++) // parents first
            {
                if (hasRoot && retargeter.Bones[bone] == "Hips")
                {
                    Vector3 at = Axes.ToUnity(retargeter.HipsPosition);
                    targets[bone].position = root.TransformPoint(Vector3.Lerp(restingHips, at, part));
                }
                Quaternion wanted = Axes.ToUnity(retargeter.Rotations[bone]);
                targets[bone].rotation = turn * Quaternion.Slerp(resting[bone], wanted, part);
            }
        }

        /// <summary>Makes ready for another stream; false where it moves no bones.</summary>
        private bool Choose(StreamPlayer next)
        {
            if (next == player && next.Version == version)
            {
                return retargeter != null;
            }
            player = next;
            version = next.Version;
            retargeter = null;
            if (!next.Engine.Skeletons.TryGetValue(next.Info.Skeleton, out Skeleton skeleton))
            {
                Problem = $"the engine announces no skeleton \"{next.Info.Skeleton}\" of its stream {next.Info.Name}";
                return false;
            }
            try
            {
                pose = new BodyPose(skeleton);
                retargeter = new Retargeter(skeleton, rest, table == null ? "" : table.text);
            }
            catch (Exception error) when (error is ArgumentException || error is FormatException)
            {
                Problem = error.Message;
                Debug.LogError($"{name}: {Problem}", this);
                return false;
            }
            targets = Array.ConvertAll(retargeter.Bones, bone => bones[bone]);
            resting = Array.ConvertAll(retargeter.Bones, bone => Axes.ToUnity(rest.Find(each
                => each.Name == bone).Rotation));
            Problem = targets.Length > 0 ? "" : $"no joint of {skeleton.Name} has the name of a bone; give a table";
            return targets.Length > 0;
        }

        private void ReadRest()
        {
            Transform root = animator.transform;
            Quaternion back = Quaternion.Inverse(root.rotation);
            foreach (string bone in HumanBones.Names)
            {
                Transform found = animator.GetBoneTransform((HumanBodyBones)Enum.Parse(typeof(HumanBodyBones), bone));
                if (found == null)
                {
                    continue;
                }
                bones[bone] = found;
                Vector3 at = root.InverseTransformPoint(found.position);
                rest.Add(new RestBone(bone, Axes.ToCore(at), Axes.ToCore(back * found.rotation)));
                local.Add(new Pose(found.localPosition, found.localRotation));
                restingHips = bone == "Hips" ? at : restingHips;
            }
        }
    }
}
