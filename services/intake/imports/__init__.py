"""Files from writing events: CSV and XLSX, checked row by row, then taken in chunks.

unreadable.py     what can be wrong with a file and with its rows, in words that do not change
encodings.py      which encoding and separator a CSV file has
workbook.py       the program that opens XLSX files, alone and with little memory; sheets.py runs it
reading.py        a file's bytes → rows of texts
mapping.py        columns of the file → fields of an action; maps.py keeps maps by name
understanding.py  a row of texts → an action, or its faults by column
keeping.py        an import as it is stored, and its file in sealed parts
life.py           what a person does: hand in, start, cancel; preview.py and progress.py: look
desk.py           what check.py and run.py have in common: chunks of rows, understood
work.py           what the steward does with open imports
"""
