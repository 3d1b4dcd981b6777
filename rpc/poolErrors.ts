import { describeFault, type Fault } from '../primitives/result.ts'
export function poolRefusal(fault: Fault): string {
  return describeFault(fault)
}
