"""What the pages of this room read, each in a constant number of queries."""

from events.queries.chapters import ChapterPage as ChapterPage
from events.queries.chapters import chapter_page as chapter_page
from events.queries.chapters import listed_chapters as listed_chapters
from events.queries.chapters import organizers_of as organizers_of
from events.queries.chapters import readable_chapters as readable_chapters
from events.queries.meetups import Narrowing as Narrowing
from events.queries.meetups import listed_topics as listed_topics
from events.queries.meetups import meetups as meetups
from events.queries.meetups import next_meetups as next_meetups
