// The tests' program: "unit" runs every method marked [Test]; "decode", "listen" and "body" print what the core makes
// of
// messages, an engine's frames and poses, so that the Python tests compare it with what Python makes of them.
using System;
using System.Globalization;
using System.Reflection;

namespace ReactionEngine.Tests
{
    [AttributeUsage(AttributeTargets.Method)]
    public sealed class TestAttribute : Attribute
    {
    }

    public static class Program
    {
        public static int Main(string[] arguments)
        {
            CultureInfo.CurrentCulture = German(); // where 0.5 is written 0,5: tables and JSON must not mind
            switch (arguments.Length > 0 ? arguments[0] : "")
            {
                case "unit":
                    return Unit();
                case "decode":
                    return Printed.Decode(Console.In);
                case "listen":
                    return Printed.Listen(arguments);
                case "body":
                    return Printed.Body(Console.In);
                default:
                    Console.Error.WriteLine("unit | decode | listen ADDRESS SECONDS CODEC... | body");
                    return 2;
            }
        }

        private static CultureInfo German()
        {
            var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            culture.NumberFormat.NumberDecimalSeparator = ",";
            culture.NumberFormat.NumberGroupSeparator = ".";
            return culture;
        }

        private static int Unit()
        {
            int passed = 0, failed = 0;
            foreach (Type type in Assembly.GetExecutingAssembly().GetTypes())
            {
                foreach (MethodInfo method in type.GetMethods(BindingFlags.Static | BindingFlags.Public))
                {
                    if (method.GetCustomAttribute<TestAttribute>() == null)
                    {
                        continue;
                    }
                    try
                    {
                        method.Invoke(null, null);
                        passed++;
                        Console.WriteLine($"ok {type.Name}.{method.Name}");
                    }
                    catch (TargetInvocationException error)
                    {
                        failed++;
                        Exception why = error.InnerException;
                        bool isTold = why is CheckException;
                        Console.WriteLine($"FAIL {type.Name}.{method.Name}: {(isTold ? why.Message : why.ToString())}");
                    }
                }
            }
            Console.WriteLine($"{passed} passed, {failed} failed");
            return failed == 0 && passed > 0 ? 0 : 1;
        }
    }
}
