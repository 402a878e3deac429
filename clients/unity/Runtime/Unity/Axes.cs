// Between Unity's vectors and those of .NET, with which the core computes.
namespace ReactionEngine.Unity
{
    public static class Axes
    {
        public static UnityEngine.Vector3 ToUnity(System.Numerics.Vector3 at) =>
            new UnityEngine.Vector3(at.X, at.Y, at.Z);

        public static UnityEngine.Quaternion ToUnity(System.Numerics.Quaternion turn) =>
            new UnityEngine.Quaternion(turn.X, turn.Y, turn.Z, turn.W);

        public static System.Numerics.Vector3 ToCore(UnityEngine.Vector3 at) =>
            new System.Numerics.Vector3(at.x, at.y, at.z);

        public static System.Numerics.Quaternion ToCore(UnityEngine.Quaternion turn) =>
            new System.Numerics.Quaternion(turn.x, turn.y, turn.z, turn.w);
    }
}
