// What has blendshapes: a mesh, or an avatar system that wants to be told by expression (see Vrm10).
using UnityEngine;

namespace ReactionEngine.Unity
{
    /// <summary>Something with named shapes. A component that implements it, on the driver's object or below, is driven
    /// like a mesh.</summary>
    public interface IShapeTarget
    {
        string[] Shapes { get; }

        /// <summary>Sets a shape, by its place in <see cref="Shapes"/>, to a weight from 0 to 1.</summary>
        void Set(int shape, float weight);
    }

    /// <summary>The blendshapes of a mesh.</summary>
    public sealed class MeshShapes : IShapeTarget
    {
        private const float Full = 100;
        private readonly SkinnedMeshRenderer renderer;

        public MeshShapes(SkinnedMeshRenderer renderer)
        {
            this.renderer = renderer;
            Mesh mesh = renderer.sharedMesh;
            Shapes = new string[mesh == null ? 0 : mesh.blendShapeCount];
            for (int shape = 0; shape < Shapes.Length; shape++)
            {
                Shapes[shape] = mesh.GetBlendShapeName(shape);
            }
        }

        public string[] Shapes { get; }

        public void Set(int shape, float weight)
        {
            if (renderer != null)
            {
                renderer.SetBlendShapeWeight(shape, Full * weight);
            }
        }
    }
}
