import { allBlocked } from './all-blocked.mjs';
import { coldStorage } from './cold-storage.mjs';
import { compareWithOneDelete } from './compare-with-one-delete.mjs';
import { compareWithTheOrm } from './compare-with-the-orm.mjs';
import { fewAmongMany } from './few-among-many.mjs';
import { largeTable } from './large-table.mjs';
import { manyPartitions } from './many-partitions.mjs';
import { slowNetworks } from './slow-networks.mjs';
import { staysFlat } from './stays-flat.mjs';
import { leavesOthersAlone } from './leaves-others-alone.mjs';
import { usersWait } from './users-wait.mjs';

export const experiments = {
  speed: compareWithOneDelete,
  orm: compareWithTheOrm,
  few: fewAmongMany,
  flat: staysFlat,
  waits: usersWait,
  pacing: leavesOthersAlone,
  network: slowNetworks,
  partitions: manyPartitions,
  blocked: allBlocked,
  cold: coldStorage,
};

/** What takes too long to be part of every benchmark. */
export const onDemand = { large: largeTable };
