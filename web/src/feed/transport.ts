/** gRPC-Web to the address the page came from. */

import type { Transport } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

export function meshTransport(options: Pick<RequestInit, "priority"> = {}): Transport {
  return createGrpcWebTransport({
    baseUrl: self.location.origin,
    fetch: (input, init) => fetch(input, { ...init, ...options }),
  });
}
