// The face: channels of the codec "arkit58" onto blendshapes, by name, by a preset or by a table that a user edits.
using System;
using System.Collections.Generic;
using UnityEngine;

namespace ReactionEngine.Unity
{
    /// <summary>Drives the blendshapes of all meshes below it.</summary>
    [AddComponentMenu("Reaction Engine/Blendshape Driver")]
    [DefaultExecutionOrder(10)]
    public sealed class BlendshapeDriver : ReactionBehaviour
    {
        /// <summary>Changes that nobody sees are not set.</summary>
        private const float Least = 0.001f;

        [Tooltip("Empty: all with blendshapes below this object")]
        [SerializeField] private SkinnedMeshRenderer[] meshes = new SkinnedMeshRenderer[0];

        [Tooltip("The names that the avatar has; Auto takes what finds most of them")]
        [SerializeField] private ShapePreset names = ShapePreset.Auto;

        [Tooltip("Lines of channel, shape, weight; goes before the names")]
        [SerializeField] private TextAsset table;

        [Range(0f, 2f)]
        [SerializeField] private float strength = 1f;

        private readonly List<Driven> driven = new List<Driven>();
        private float[] values = new float[0];
        private StreamPlayer player;
        private int version;

        /// <summary>What the avatar or the stream lacks of the table; null before the first frame.</summary>
        public IReadOnlyList<string> Absent { get; private set; }

        /// <summary>The preset that is used where there is no table.</summary>
        public ShapePreset Names { get; private set; }

        /// <summary>How many shapes are driven.</summary>
        public int Count { get; private set; }

        /// <summary>A table as text, for <see cref="ShapeTable.Parse"/>; null: the names count.</summary>
        public TextAsset Table
        {
            get => table;
            set
            {
                table = value;
                player = null; // mapped again with the next pose
            }
        }

        private void OnDisable()
        {
            Rest();
            player = null;
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
                Map();
            }
            for (int index = 0; index < values.Length; index++)
            {
                values[index] = player.Values[index] * strength * player.Presence;
            }
            foreach (Driven each in driven)
            {
                each.Map.Apply(values, each.Weights);
                foreach (int shape in each.Map.Driven)
                {
                    if (Math.Abs(each.Weights[shape] - each.Set[shape]) > Least || each.Weights[shape] == 0
                        && each.Set[shape] != 0)
                    {
                        each.Set[shape] = each.Weights[shape];
                        each.Target.Set(shape, each.Weights[shape]);
                    }
                }
            }
        }

        private void Map()
        {
            Rest();
            driven.Clear();
            values = new float[player.Info.Names.Length];
            var targets = new List<IShapeTarget>(GetComponentsInChildren<IShapeTarget>());
            foreach (SkinnedMeshRenderer mesh in meshes.Length > 0 ? meshes
                : GetComponentsInChildren<SkinnedMeshRenderer>())
            {
                targets.Add(new MeshShapes(mesh));
            }
            ShapeTable lines = Lines(targets);
            var absent = new HashSet<string>();
            Count = 0;
            for (int index = 0; index < targets.Count; index++)
            {
                var map = new ShapeMap(lines, player.Info.Names, targets[index].Shapes);
                Count += map.Driven.Length;
                driven.Add(new Driven(targets[index], map));
                if (index == 0)
                {
                    absent.UnionWith(map.Absent);
                }
                absent.IntersectWith(map.Absent); // what one mesh has is not absent
            }
            Absent = new List<string>(absent);
            if (Count == 0)
            {
                Debug.LogWarning($"{name}: no blendshape has a name of {Names}; give a table (see the README)", this);
            }
        }

        private ShapeTable Lines(List<IShapeTarget> targets)
        {
            var shapes = new List<string>();
            foreach (IShapeTarget target in targets)
            {
                shapes.AddRange(target.Shapes);
            }
            Names = names;
            if (names == ShapePreset.Auto && ShapePresets.Choose(shapes, out ShapePreset chosen))
            {
                Names = chosen;
            }
            try
            {
                return table == null ? ShapePresets.Table(Names) : ShapeTable.Parse(table.text);
            }
            catch (FormatException error)
            {
                Debug.LogError($"{name}: {error.Message}", this);
                return ShapePresets.Table(Names);
            }
        }

        private void Rest()
        {
            foreach (Driven each in driven)
            {
                foreach (int shape in each.Map.Driven)
                {
                    each.Set[shape] = 0;
                    each.Target.Set(shape, 0);
                }
            }
        }

        private sealed class Driven
        {
            public readonly IShapeTarget Target;
            public readonly ShapeMap Map;
            public readonly float[] Weights;
            public readonly float[] Set;

            public Driven(IShapeTarget target, ShapeMap map)
            {
                Target = target;
                Map = map;
                Weights = new float[target.Shapes.Length];
                Set = new float[target.Shapes.Length];
            }
        }
    }
}
