/**
 * The OpenRPC document of the server: method names and parameters, from the schemas that check them.
 *
 * @see https://spec.open-rpc.org
 */
import { z } from 'zod'
import type { Method, Methods } from './method.ts'
import type { Json, JsonObject } from './wire.ts'

export function describeMethods(methods: Methods): JsonObject {
  return {
    openrpc: '1.3.2',
    info: { title: 'Waggle JSON-RPC', version: '1.0.0' },
    methods: Object.entries(methods).map(([name, method]) => describeMethod(name, method)),
  }
}

function describeMethod(name: string, { params }: Method): JsonObject {
  return {
    name,
    params: Object.entries(params).map(([parameter, schema]) => ({
      name: parameter,
      required: !schema.safeParse(undefined).success,
      schema: z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Json,
    })),
  }
}
