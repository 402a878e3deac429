// The blendshape driver's inspector: which names it found, what is missing, and a button that writes a table to edit.
using System.IO;
using ReactionEngine.Unity;
using UnityEditor;
using UnityEngine;

namespace ReactionEngine.Editor
{
    [CustomEditor(typeof(BlendshapeDriver))]
    public sealed class BlendshapeDriverEditor : UnityEditor.Editor
    {
        public override void OnInspectorGUI()
        {
            DrawDefaultInspector();
            var driver = (BlendshapeDriver)target;
            if (driver.Absent != null)
            {
                EditorGUILayout.LabelField("Drives", $"{driver.Count} shapes by {driver.Names}");
                if (driver.Absent.Count > 0)
                {
                    EditorGUILayout.HelpBox("Not there: " + string.Join(" ", driver.Absent), MessageType.Info);
                }
            }
            if (GUILayout.Button("Write a table to edit ..."))
            {
                Write(driver);
            }
        }

        private static void Write(BlendshapeDriver driver)
        {
            string path = EditorUtility.SaveFilePanelInProject("Table of shapes", "shapes", "csv",
                "channel, shape, weight");
            if (path.Length == 0)
            {
                return;
            }
            File.WriteAllText(path, ShapePresets.Table(driver.Names).ToText());
            AssetDatabase.ImportAsset(path);
            Undo.RecordObject(driver, "Table of shapes");
            driver.Table = AssetDatabase.LoadAssetAtPath<TextAsset>(path);
            EditorUtility.SetDirty(driver);
        }
    }
}
