// Surfaces: as they look in life, or plain ones that a machine without a graphics card draws in time.

import {
  type Material,
  MeshBasicMaterial,
  MeshLambertMaterial,
  MeshPhysicalMaterial,
  type MeshPhysicalMaterialParameters,
} from "three";

/** A material; of a plain one colour, picture and sides count alone. `lit`: where it is plain, the colours of its
 * vertices hold the light (light.ts). */
export function surface(plain: boolean, about: MeshPhysicalMaterialParameters, lit = false): Material {
  if (!plain) return new MeshPhysicalMaterial(about);
  const { color, map, vertexColors, side, alphaTest } = about;
  const known = Object.entries({ color, map, vertexColors, side, alphaTest }).filter(
    ([, value]) => value !== undefined,
  );
  const plainly = Object.fromEntries(known);
  return lit ? new MeshBasicMaterial({ ...plainly, vertexColors: true }) : new MeshLambertMaterial(plainly);
}
