/** The directions in which vectors differ most, computed by the engine's library on a thread of its own. */
import type * as addon from "./addon.js";
import { float32Array, record, wholeNumber } from "./argument-checks.js";
import { delegate } from "./delegate.js";
import { engineAddon } from "./engine-addon.js";
import type { ComponentsRequest, PrincipalComponents } from "./types.js";

/**
 * In double precision on the CPU. Throws ArgumentError where the vectors are none, not whole or not finite, or where more
 * components are wanted than they have values.
 */
export async function principalComponents(request: ComponentsRequest): Promise<PrincipalComponents> {
  const checked = checkRequest(request);
  return delegate(() => engineAddon().principalComponents(checked));
}

function checkRequest(value: unknown): addon.ComponentsRequest {
  const request = record("request", value);
  return {
    vectors: float32Array("vectors", request.vectors),
    width: wholeNumber("width", request.width, 1),
    components: wholeNumber("components", request.components, 1),
  };
}
