// What happens at the moment when LMDB has just opened its files.
import { type NativeEnv, native } from '../../src/store/lmdb/native.ts';

/** Has `meanwhile` done when LMDB next has opened its files. */
export function whileOpening(meanwhile: () => void): void {
  const addon = native();
  const { Env } = addon;
  addon.Env = class extends Env {
    override open(...how: Parameters<NativeEnv['open']>): void {
      addon.Env = Env;
      super.open(...how);
      meanwhile();
    }
  };
}
