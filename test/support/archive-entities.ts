export { archiveEntities } from '../../lib/archive/snapshot/archive-entities.js';
