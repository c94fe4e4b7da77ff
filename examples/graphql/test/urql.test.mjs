import { UrqlTasks } from '../src/urql.mjs';
import { story } from './story.mjs';

story('urql', UrqlTasks);
