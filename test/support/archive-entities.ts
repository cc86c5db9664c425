export { archiveEntities } from '../../lib/archive/archive-entities.js';
