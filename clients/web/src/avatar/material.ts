// Surfaces: as they look in life, or plain ones that a machine without a graphics card draws in time.

import { type Material, MeshLambertMaterial, MeshPhysicalMaterial, type MeshPhysicalMaterialParameters } from "three";

/** A material; of a plain one colour, picture and sides count alone. */
export function surface(plain: boolean, about: MeshPhysicalMaterialParameters): Material {
  if (!plain) return new MeshPhysicalMaterial(about);
  const { color, map, vertexColors, side, alphaTest } = about;
  const known = Object.entries({ color, map, vertexColors, side, alphaTest }).filter(
    ([, value]) => value !== undefined,
  );
  return new MeshLambertMaterial(Object.fromEntries(known));
}
