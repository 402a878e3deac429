// VRM 1.0 avatars (UniVRM, package com.vrmc.vrm): expressions are set through UniVRM, which blends them and obeys their
// overrides; the blendshapes below an expression are its own business.
#if REACTION_VRM10
using System;
using UniVRM10;
using UnityEngine;

namespace ReactionEngine.Unity
{
    /// <summary>Put it on the object of a Vrm10Instance, below or beside the Blendshape Driver: its presets are driven
    /// like the shapes of a mesh.</summary>
    [AddComponentMenu("Reaction Engine/VRM 1.0 Expressions")]
    [RequireComponent(typeof(Vrm10Instance))]
    public sealed class Vrm10Expressions : MonoBehaviour, IShapeTarget
    {
        private static readonly ExpressionPreset[] Presets =
        {
            ExpressionPreset.happy, ExpressionPreset.angry, ExpressionPreset.sad, ExpressionPreset.surprised,
            ExpressionPreset.aa, ExpressionPreset.ih, ExpressionPreset.ou, ExpressionPreset.ee, ExpressionPreset.oh,
            ExpressionPreset.blinkLeft, ExpressionPreset.blinkRight,
            ExpressionPreset.lookUp, ExpressionPreset.lookDown, ExpressionPreset.lookLeft, ExpressionPreset.lookRight,
        };

        private Vrm10Instance instance;

        public string[] Shapes { get; } = Array.ConvertAll(Presets, preset => preset.ToString());

        public void Set(int shape, float weight)
        {
            if (instance == null)
            {
                instance = GetComponent<Vrm10Instance>();
            }
            if (instance != null)
            {
                instance.Runtime.Expression.SetWeight(ExpressionKey.CreateFromPreset(Presets[shape]), weight);
            }
        }
    }
}
#endif
